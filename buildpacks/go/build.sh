# Builds every main package into bin/, by the name of its folder (the module's own for the root).
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
if [ ! -f go.mod ]; then printf 'module app\n\ngo %s\n' "$(go env GOVERSION | sed 's/^go//; s/^\([0-9]*\.[0-9]*\).*/\1/')" > go.mod; fi
if [ ! -d /cache/build ]; then cp -r /gocache /cache/build; fi
export GOCACHE=/cache/build
mkdir -p bin
mains=$(go list -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' ./...)
if [ -z "$mains" ]; then
  echo "there is no package main to build" >&2
  exit 1
fi
echo "Building with $(go env GOVERSION): $(echo $mains)"
# shellcheck disable=SC2086
go build -ldflags='-s -w' -o bin/ $mains
# Sources are not needed to run; templates and static files may be.
rm -rf vendor
find . -name '*.go' -type f -delete
find . -type d -empty -delete
