# Makes /venv with the production dependencies, by whatever the app keeps them in.
. /buildpack/env.sh
python3 -m venv /venv

# The tool itself, in the version that the app asks for.
tool() {
  case "${PYTHON_TOOL:-}" in [0-9]*) PYTHON_TOOL="==$PYTHON_TOOL" ;; esac
  python3 -m venv /tool && /tool/bin/pip install --quiet "$1${PYTHON_TOOL:-}"
}

install_all() {
  case "$PYTHON_INSTALL" in
    pip)
      # What is a folder of the app comes with its source.
      for file in requirements*.txt requirements/*.txt; do
        if [ -f "$file" ]; then
          sed -Ei '/^[[:space:]]*(\.|file:|[^#]+@ *file:|(-e|--editable)[ =]+([^:+]*$|\.|file:))/d' "$file"
        fi
      done
      pip_install -r requirements.txt ;;
    project) python3 -c '
try: import tomllib
except ImportError: from pip._vendor import tomli as tomllib
for one in tomllib.load(open("pyproject.toml", "rb"))["project"].get("dependencies", []): print(one)' > /tmp/requirements.txt
      pip_install -r /tmp/requirements.txt ;;
    uv)
      tool uv || return
      if [ "$PYTHON_PACKAGE" = no ]; then /tool/bin/uv sync --locked --no-dev; return; fi
      # What is a folder of the app comes with its source; only then can the lock file be held against it.
      awk '/^name = /{ name = $3 } /^source = [{] (directory|editable|path|virtual) /{ print "--no-install-package", name }' uv.lock \
        | xargs /tool/bin/uv sync --frozen --no-dev ;;
    poetry) tool poetry && { has_folders || /tool/bin/poetry install --only main --no-root --no-interaction; } ;;
    pipenv) tool pipenv && { has_folders || /tool/bin/pipenv install --deploy; } ;;
    setup | none) ;;
  esac
}

if grep -qsE 'git\+|\bgit *= *"' requirements*.txt requirements/*.txt pyproject.toml Pipfile && ! command -v git > /dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git > /dev/null
fi
mkdir -p /added /libraries
{ install_all && echo > /tmp/installed; } 2>&1 | tee /tmp/log
if [ ! -f /tmp/installed ]; then
  # There is no wheel for this Python; with a compiler it can be made.
  grep -qE 'Failed (building wheel|to build)|subprocess-exited-with-error|error: command|pg_config|[Cc]ompil' /tmp/log || exit 1
  echo "A package did not install; trying again with a compiler"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    build-essential python3-dev libpq-dev libffi-dev default-libmysqlclient-dev pkg-config > /dev/null
  install_all
  # The image needs the libraries that it was compiled with.
  find /venv -name '*.so' -exec ldd {} + 2> /dev/null | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u \
    | xargs -r realpath | xargs -r -n 1 dpkg -S 2> /dev/null | sed 's/:.*//' | sort -u > /libraries/packages || true
fi
[ "$PYTHON_PACKAGE" = yes ] || rm -rf /tool
# Compiled here once, so that a container neither writes nor waits; by content, as files' times are not those of today.
python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv/lib || true
