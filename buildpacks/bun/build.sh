# Runs the app's own scripts over all dependencies; the production dependencies are another layer.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export NODE_ENV=production CI=true
has() { bun -e 'process.exit(require("/app/package.json").scripts?.[process.argv.at(-1)] ? 0 : 1)' "$1"; }
for name in postinstall prepare build; do
  if has "$name"; then bun run "$name"; fi
done
find . -type d -name node_modules -prune -exec rm -rf {} +
