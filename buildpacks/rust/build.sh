# Builds every binary into bin/. A vendored source is told to Cargo by the app's own .cargo/config.toml.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export CARGO_HOME=/cache/home CARGO_TARGET_DIR=/cache/target
locked=
if [ -f Cargo.lock ]; then locked=--locked; fi
# Binaries of an earlier build with another name must not come along.
find /cache/target/release -maxdepth 1 -type f -delete 2> /dev/null || true
# Cargo takes a file that is older than its last build as unchanged, and a commit may be.
find . -path ./vendor -prune -o -type f -exec touch {} +
cargo build --release $locked
mkdir -p bin
find /cache/target/release -maxdepth 1 -type f -perm -u+x ! -name '*.so' ! -name '*.d' -exec cp {} bin/ ';'
rm -rf src vendor target
