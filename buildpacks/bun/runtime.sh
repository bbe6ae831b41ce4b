# Puts the wanted Bun into /usr/local/bin. BUN_VERSION is a version or an npm range.
set -eu
case "$(uname -m)" in
  aarch64) package=@oven/bun-linux-aarch64 ;;
  *) if grep -q avx2 /proc/cpuinfo; then package=@oven/bun-linux-x64; else package=@oven/bun-linux-x64-baseline; fi ;;
esac
cd /tmp
if ! npm pack --silent "$package@$BUN_VERSION" > packed; then
  echo "Bun $BUN_VERSION cannot be taken from the npm registry: does this version exist, and does the registry answer?" >&2
  exit 1
fi
mkdir bun
tar -xzf "$(tail -n 1 packed)" -C bun --strip-components=1
install -m 755 bun/bin/bun /usr/local/bin/bun
rm -rf /tmp/* /root/.npm
echo "Bun $(bun --version)"
