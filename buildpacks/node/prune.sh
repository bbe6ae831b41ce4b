# Leaves the production dependencies.
. /buildpack/env.sh
[ -d node_modules ] || exit 0
case "$manager" in
  npm) npm prune --omit=dev --ignore-scripts ;;
  yarn) yarn install --production --frozen-lockfile --ignore-scripts --non-interactive --prefer-offline ;;
  berry) YARN_ENABLE_SCRIPTS=false yarn workspaces focus --all --production ;;
  pnpm) pnpm prune --prod --ignore-scripts ;;
esac
