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

# From version 12 on npm runs install scripts of packages that the app allows only, and an app that says nothing
# about it was made with an npm that runs all.
allow=
if [ "$(npm --version | cut -d. -f1)" -ge 12 ] && ! grep -q '"allowScripts"' package.json; then
  allow=--dangerously-allow-all-scripts
fi

rebuild() {
  case "$manager" in
    pnpm) pnpm rebuild --recursive ;;
    *) npm rebuild $allow ;;
  esac
}

if [ -d node_modules ] && ! rebuild; then
  echo "A package did not install; trying again with a compiler"
  apt-get update -qq
  # Native code is compiled against the headers that came with Node.
  export npm_config_nodedir=/usr/local
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 make g++ > /dev/null
  rebuild
fi
