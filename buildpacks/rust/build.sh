# Builds every binary into bin/. A vendored source is told to Cargo by the app's own .cargo/config.toml.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
# What is compiled on another Debian links to other libraries, which Cargo does not see.
system=$(. /etc/os-release && echo "${VERSION_CODENAME:-$ID}")
export CARGO_HOME=/cache/home CARGO_TARGET_DIR="/cache/target-$system"
# The image's own toolchain: for any other name in rust-toolchain.toml rustup would fetch one.
if command -v rustup > /dev/null && [ -z "${RUSTUP_TOOLCHAIN:-}" ]; then
  RUSTUP_TOOLCHAIN=$(rustup default | cut -d ' ' -f 1)
  export RUSTUP_TOOLCHAIN
fi
locked=
if [ -f Cargo.lock ]; then locked=--locked; fi
# Binaries of an earlier build with another name must not come along.
find "$CARGO_TARGET_DIR/release" -maxdepth 1 -type f -delete 2> /dev/null || true
# Cargo takes a file that is older than its last build as unchanged, and a commit may be.
find . -path ./vendor -prune -o -type f -exec touch {} +
cargo build --release $locked
mkdir -p bin
find "$CARGO_TARGET_DIR/release" -maxdepth 1 -type f -perm -u+x ! -name '*.so' ! -name '*.d' -exec cp {} bin/ ';' \
  -exec sh /buildpack/runs-on-base.sh {} +
# Sources are not needed to run; templates and static files may be.
rm -rf src vendor target
find . -name '*.rs' -type f -delete
find . -type d -empty -delete
