# Fetches what deno.json and the lock file name, before the source is there.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
mkdir -p "$DENO_DIR"
frozen=
if [ -f deno.lock ]; then frozen=--frozen; fi
deno install $frozen
