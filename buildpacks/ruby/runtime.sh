# Ruby and the libraries that common gems link to at run time.
set -eu
ruby=
if ! command -v ruby > /dev/null; then ruby="ruby ruby-bundler"; fi
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  $ruby libpq5 libmariadb3 libsqlite3-0 libyaml-0-2 libjemalloc2 > /dev/null
rm -rf /var/lib/apt/lists/*_* /var/log/*
