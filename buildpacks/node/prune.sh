# Leaves the production dependencies, and a package that NODE_KEEP names.
. /buildpack/env.sh
[ -d node_modules ] || exit 0
keep=${NODE_KEEP:-}
if [ -n "$keep" ] && [ -d "node_modules/$keep" ]; then cp -aL "node_modules/$keep" /tmp/kept; fi
case "$manager" in
  npm) npm prune --omit=dev --ignore-scripts ;;
  yarn) yarn install --production --frozen-lockfile --ignore-scripts --non-interactive --prefer-offline
    # Its files have the times that they have in the cache.
    find . -path '*/node_modules/*' -exec touch -h {} + ;;
  berry)
    # Before version 4 this command is a plugin.
    if yarn workspaces focus --help > /dev/null 2>&1; then
      YARN_ENABLE_SCRIPTS=false yarn workspaces focus --all --production
    else
      echo 'Development dependencies stay in the image: yarn plugin import workspace-tools lets them be taken out'
    fi ;;
  pnpm)
    # pnpm prune leaves the packages of a workspace as they are.
    find . -type d -name node_modules -prune -exec rm -rf {} +
    pnpm install --prod --frozen-lockfile --prefer-offline --ignore-scripts
    rebuild
    # What it notes of this moment, and does not need to run a script.
    rm -f node_modules/.pnpm-workspace-state*
    if [ -f node_modules/.modules.yaml ]; then
      sed -i '/prunedAt/s/..., .* GMT/Wed, 01 Jan 2025 00:00:00 GMT/' node_modules/.modules.yaml
    fi ;;
esac
if [ -d /tmp/kept ] && [ ! -d "node_modules/$keep" ]; then mv /tmp/kept "node_modules/$keep"; fi
