# Installs all dependencies by the lock file. Scripts of the app itself wait for its source (build.sh).
. /buildpack/env.sh
# Build tools are needed by build scripts, so development dependencies come too; prune.sh takes them out.
export NODE_ENV=development

locked() { [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; }

case "$manager" in
  npm) if locked; then npm ci --ignore-scripts; else npm install --ignore-scripts; fi ;;
  yarn) yarn install --frozen-lockfile --ignore-scripts --non-interactive ;;
  berry) YARN_ENABLE_SCRIPTS=false yarn install --immutable ;;
  pnpm) pnpm install --frozen-lockfile --ignore-scripts ;;
esac

if [ -d node_modules ] && ! rebuild; then
  echo "A package did not install; trying again with a compiler"
  apt-get update -qq
  # Native code is compiled against the headers that came with Node.
  export npm_config_nodedir=/usr/local
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 make g++ > /dev/null
  rebuild
fi
