# Puts the wanted Deno into /usr/local/bin. DENO_VERSION is a version or an npm range.
set -eu
case "$(uname -m)" in aarch64) package=@deno/linux-arm64-glibc ;; *) package=@deno/linux-x64-glibc ;; esac
cd /tmp
if ! npm pack --silent "$package@$DENO_VERSION" > packed; then
  echo "Deno $DENO_VERSION cannot be taken from the npm registry: does this version exist, and does the registry answer?" >&2
  exit 1
fi
mkdir deno
tar -xzf "$(tail -n 1 packed)" -C deno --strip-components=1
install -m 755 deno/deno /usr/local/bin/deno
rm -rf /tmp/* /root/.npm
echo "$(deno --version | head -n 1)"
