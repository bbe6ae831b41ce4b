# What every step has in common. Config vars come as a secret: never in a layer, never in the history.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export npm_config_cache=/cache/npm npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
export YARN_GLOBAL_FOLDER=/cache/yarn-berry YARN_NODE_LINKER=node-modules
export YARN_ENABLE_TELEMETRY=0 NEXT_TELEMETRY_DISABLED=1 CI=true
# Packages that are in the repository need no registry.
if [ ! -d .yarn/cache ]; then export YARN_CACHE_FOLDER=/cache/yarn; fi
manager=$(basename "${NODE_PACKAGE_MANAGER:-npm}")
case "$manager" in
  yarn@1 | yarn@1.*) manager=yarn ;;
  yarn@*) manager=berry ;;
  pnpm@*)
    manager=pnpm
    # From version 11 on settings have names of pnpm's own, and it would install itself, and again before a script.
    export npm_config_store_dir=/cache/pnpm PNPM_CONFIG_STORE_DIR=/cache/pnpm
    export PNPM_CONFIG_PM_ON_FAIL=ignore PNPM_CONFIG_VERIFY_DEPS_BEFORE_RUN=false
    ;;
esac

# Runs the install scripts of packages. From version 12 on npm does so for packages that the app allows only, and an app
# that says nothing about it was made with an npm that runs all.
rebuild() {
  allow=
  if [ "$(npm --version | cut -d. -f1)" -ge 12 ] && ! grep -q '"allowScripts"' package.json; then
    allow=--dangerously-allow-all-scripts
  fi
  case "$manager" in
    pnpm) npm_config_nodedir=/usr/local pnpm rebuild --recursive ;;
    *) npm rebuild $allow ;;
  esac
}
