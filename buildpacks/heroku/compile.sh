# Heroku's buildpack API: bin/detect BUILD_DIR; bin/compile BUILD_DIR CACHE_DIR ENV_DIR; bin/release BUILD_DIR.
# The list is .buildpacks, unless the app was told another one: a git URL (with #ref), the URL of a .tgz, or a folder of
# the source a line.
set -euo pipefail
export STACK=heroku-24 HOME=/app
env_dir=$(mktemp -d)
if [ -f /run/secrets/env ]; then
  before=$(compgen -e | sort)
  . /run/secrets/env
  comm -13 <(echo "$before") <(compgen -e | sort) | while read -r name; do printf %s "${!name}" > "$env_dir/$name"; done
  # Buildpacks are given config through ENV_DIR only.
  while read -r name; do unset "$name"; done < <(ls "$env_dir")
fi

cd /app
mkdir -p /tmp/buildpacks
file=.buildpacks
if [ -f /buildpack/list ]; then file=/buildpack/list; fi
list=$(sed 's/#[[:space:]].*//; s/^[[:space:]]*//; s/[[:space:]]*$//' "$file" | grep -v '^$' || true)
if [ -z "$list" ]; then echo "the file .buildpacks names no buildpack" >&2; exit 1; fi
# A URL may carry a password.
public() { echo "$1" | sed 's#//[^/@]*@#//#'; }

index=0
while read -r line; do
  index=$((index + 1))
  folder=/tmp/buildpacks/$index
  case "$line" in
    https://*.tgz | https://*.tar.gz)
      echo "-----> Fetching $(public "$line")"
      mkdir -p "$folder"
      if ! curl -fsSL "$line" | tar -xz -C "$folder"; then
        echo "the buildpack $(public "$line") cannot be fetched from here" >&2
        exit 1
      fi ;;
    http://* | https://* | git://* | ssh://* | git@*)
      echo "-----> Fetching $(public "$line")"
      ref=
      if [ "${line#*#}" != "$line" ]; then ref="--branch=${line#*#}"; fi
      if ! git clone --quiet --depth 1 $ref -- "${line%%#*}" "$folder"; then
        echo "the buildpack $(public "$line") cannot be fetched from here: put it into the repository and name its folder" >&2
        exit 1
      fi ;;
    heroku/*)
      echo "$line is a name that Heroku knows: write its git URL, or use paas buildpacks:set" >&2
      exit 1 ;;
    *)
      if [ ! -d "/app/$line/bin" ]; then echo "there is no buildpack in the folder $line" >&2; exit 1; fi
      cp -r "/app/$line" "$folder" ;;
  esac
  chmod +x "$folder"/bin/*
  if ! found=$("$folder/bin/detect" /app); then
    echo "the buildpack $(public "$line") does not recognise this app" >&2
    exit 1
  fi
  echo "-----> $found app detected ($(public "$line"))"
  mkdir -p "/cache/$index"
  "$folder/bin/compile" /app "/cache/$index" "$env_dir"
  # What a buildpack exports is for those after it.
  if [ -f "$folder/export" ]; then set +eu; . "$folder/export"; set -eu; fi
  if [ -x "$folder/bin/release" ]; then "$folder/bin/release" /app > /app/.release.yml || rm -f /app/.release.yml; fi
done <<< "$list"
rm -rf "$env_dir"
