# Ruby and the libraries that common gems link to at run time.
set -eu
if ! command -v ruby > /dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    ruby ruby-bundler libpq5 libmariadb3 libsqlite3-0 libyaml-0-2 libjemalloc2 > /dev/null
  rm -rf /var/lib/apt/lists/*_* /var/log/*
fi
