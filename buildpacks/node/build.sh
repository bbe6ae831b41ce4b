# Runs the app's own install and build scripts over all dependencies, then leaves in /app its files and what
# the scripts wrote into node_modules; the production dependencies themselves are another layer.
. /buildpack/env.sh
stamp=$(mktemp)
sleep 0.01

has() { node -e 'process.exit(require("/app/package.json").scripts?.[process.argv[1]] ? 0 : 1)' "$1"; }
script() { if has "$1"; then npm run --ignore-scripts "$1"; fi; }

export NODE_ENV=production
script heroku-prebuild
for name in preinstall install postinstall prepare; do script "$name"; done
if has heroku-postbuild; then
  script heroku-postbuild
elif has build; then
  npm run build
fi

find . -type d -name node_modules -prune -print | while read -r modules; do
  rm -rf "$modules/.cache" "$modules/.vite"
  find "$modules" \( -type f -o -type l \) -newer "$stamp" -print > /tmp/written
  if [ -s /tmp/written ]; then tar -cf /tmp/written.tar -T /tmp/written; fi
  rm -rf "$modules"
  if [ -s /tmp/written ]; then tar -xf /tmp/written.tar; fi
done
rm -rf .next/cache
