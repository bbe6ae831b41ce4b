# Rails: compiles assets with a key that opens nothing; the app's own comes with its config.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export SECRET_KEY_BASE="${SECRET_KEY_BASE:-$(head -c 64 /dev/urandom | sha512sum | cut -d' ' -f1)}" SECRET_KEY_BASE_DUMMY=1
# A Node build that ran before has made the JavaScript already.
export SKIP_JS_BUILD=1 SKIP_CSS_BUILD=1 SKIP_YARN_INSTALL=1
chmod +x bin/rails
bin/rails assets:precompile
rm -rf tmp/cache/* log/*
mkdir -p tmp/pids log
