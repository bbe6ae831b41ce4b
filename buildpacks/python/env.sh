# What every step has in common: where tools put what they make, and how each installs.
set -eu
if [ -f /run/secrets/env ]; then . /run/secrets/env; fi
export PIP_CACHE_DIR=/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_RETRIES=2 PIP_ROOT_USER_ACTION=ignore PIP_COMPILE=0
export UV_CACHE_DIR=/cache/uv POETRY_CACHE_DIR=/cache/poetry PIPENV_CACHE_DIR=/cache/pipenv
export VIRTUAL_ENV=/venv UV_PROJECT_ENVIRONMENT=/venv POETRY_VIRTUALENVS_CREATE=false PYTHONDONTWRITEBYTECODE=1
# This Python, whatever else .python-version names: it has been chosen by it.
UV_PYTHON=$(PATH=${PATH#/venv/bin:} && command -v python3)
export UV_PYTHON UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_NO_PROGRESS=1
export PIPENV_VERBOSITY=-1 PIPENV_NOSPIN=1
# A mirror that pip asks is asked by Pipenv too; uv and Poetry have the address in their lock file.
if [ -n "${PIP_INDEX_URL:-}" ]; then export PIPENV_PYPI_MIRROR="${PIPENV_PYPI_MIRROR:-$PIP_INDEX_URL}"; fi
PATH=/venv/bin:$PATH

# Wheels in the repository need no index.
for folder in wheels wheelhouse vendor/wheels vendor; do
  if ls "$folder"/*.whl > /dev/null 2>&1; then export PIP_FIND_LINKS="/app/$folder"; break; fi
done

pip_install() {
  if [ -n "${PIP_FIND_LINKS:-}" ] && pip install --no-index "$@" 2> /tmp/offline; then return 0; fi
  pip install "$@"
}

# Packages that are folders of the app can be installed only once its source is there.
has_folders() { grep -qsE '\{[^}]*\bpath *=' pyproject.toml Pipfile; }
