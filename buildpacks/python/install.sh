# Makes /venv with the production dependencies, by whatever the app keeps them in.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export PIP_CACHE_DIR=/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_RETRIES=2 PIP_ROOT_USER_ACTION=ignore PIP_COMPILE=0
export UV_CACHE_DIR=/cache/uv POETRY_CACHE_DIR=/cache/poetry PIPENV_CACHE_DIR=/cache/pipenv
export VIRTUAL_ENV=/venv UV_PROJECT_ENVIRONMENT=/venv POETRY_VIRTUALENVS_CREATE=false UV_PYTHON_DOWNLOADS=never
python3 -m venv /venv
PATH=/venv/bin:$PATH

# Wheels in the repository need no registry.
for folder in wheels wheelhouse vendor/wheels vendor; do
  if ls "$folder"/*.whl > /dev/null 2>&1; then export PIP_FIND_LINKS="/app/$folder"; break; fi
done

pip_install() {
  if [ -n "${PIP_FIND_LINKS:-}" ] && pip install --no-index "$@" 2> /tmp/offline; then return 0; fi
  pip install "$@"
}

# A tool that is gone once it has done its work.
tool() {
  python3 -m venv /tool && /tool/bin/pip install --quiet "$1"
}

install_all() {
  case "$PYTHON_INSTALL" in
    pip) pip_install -r requirements.txt ;;
    project) python3 -c 'import tomllib
for one in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]: print(one)' > /tmp/requirements.txt
      pip_install -r /tmp/requirements.txt ;;
    uv) tool uv && /tool/bin/uv sync --frozen --no-dev --no-install-project ;;
    poetry) tool poetry && /tool/bin/poetry install --only main --no-root --no-interaction ;;
    pipenv) tool pipenv && /tool/bin/pipenv install --deploy ;;
    none) ;;
  esac
}

if ! install_all; then
  # Most likely there is no wheel for this Python; with a compiler it can be made.
  # Without the packages' index, another try would end as the first one did.
  if [ -n "$(ls /venv/lib/python3*/site-packages 2> /dev/null)" ] && getent hosts pypi.org > /dev/null; then
    echo "A package did not install; trying again with a compiler"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      build-essential python3-dev libpq-dev libffi-dev default-libmysqlclient-dev pkg-config > /dev/null
    install_all
  else
    exit 1
  fi
fi
rm -rf /tool
# Compiled here once, so that a container neither writes nor waits; by content, as files' times are not those of today.
python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv/lib || true
