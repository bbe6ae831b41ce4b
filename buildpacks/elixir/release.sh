# Compiles the app and puts its release, with Erlang, into /release.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
mix compile
if mix help assets.deploy > /dev/null 2>&1; then mix assets.deploy; fi
mix release --overwrite --quiet --path /release
# A cookie that is made up anew for each build would be a secret in the image; RELEASE_COOKIE is a config var.
grep -q '\bcookie:' mix.exs || rm /release/releases/COOKIE
sh /buildpack/runs-on-base.sh /release
