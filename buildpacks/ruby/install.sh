# Installs the gems of the lock file: from vendor/cache where they are there, else from the registry.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export BUNDLE_USER_CACHE=/cache/bundle BUNDLE_JOBS="$(nproc)" BUNDLE_RETRY=2
mkdir -p /bundle
if [ -f Gemfile.lock ]; then export BUNDLE_FROZEN=true; fi
install_gems() {
  if ls vendor/cache/*.gem > /dev/null 2>&1; then bundle install --local; else bundle install; fi
}
if grep -qE '^\s*(git|github) |\b(git|github): ' Gemfile && ! command -v git > /dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git > /dev/null
fi
if ! install_gems > /tmp/bundle.log 2>&1; then
  cat /tmp/bundle.log
  grep -qiE 'mkmf|extconf|native extension' /tmp/bundle.log || exit 1
  echo "A gem has native code; trying again with a compiler"
  apt-get update -qq
  # A Ruby that is not Debian's brings its headers along.
  dev=ruby-dev
  if [ "$(command -v ruby)" != /usr/bin/ruby ]; then dev=; fi
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $dev build-essential pkg-config \
    git libpq-dev libmariadb-dev libsqlite3-dev libyaml-dev libffi-dev zlib1g-dev > /dev/null
  install_gems
else
  cat /tmp/bundle.log
fi
