# Fetches and compiles the dependencies of the lock file. Those that are a path in the repository need no registry.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
mkdir -p "$MIX_HOME"
if [ -f mix.lock ] && grep -q ':hex' mix.lock; then
  if ! mix local.hex --force --if-missing || ! mix local.rebar --force --if-missing; then
    echo "hex.pm cannot be reached from this server: vendor the dependencies (path: \"vendor/name\" in mix.exs)" >&2
    exit 1
  fi
  mix deps.get --only prod --check-locked
fi
if [ -d deps ] || grep -q 'path:' mix.exs; then mix deps.compile; fi
