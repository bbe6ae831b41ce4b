# Installs the dependencies of the lock file; with --production those that the app runs with.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export BUN_INSTALL_CACHE_DIR=/cache CI=true
rm -rf node_modules
frozen=
if [ -f bun.lock ] || [ -f bun.lockb ]; then frozen=--frozen-lockfile; fi
# Scripts of the app itself wait for its source (build.sh).
bun install $frozen --ignore-scripts "$@"
