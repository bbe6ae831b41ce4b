# Fetches what only the source names, runs the task `build`, and leaves nothing to be fetched at the start.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
frozen=
if [ -f deno.lock ]; then frozen=--frozen; fi
if [ -n "${DENO_ENTRY:-}" ]; then deno cache $frozen "$DENO_ENTRY"; fi
if [ "$DENO_BUILD" = build ]; then deno task build; fi
node /buildpack/tidy.mjs
