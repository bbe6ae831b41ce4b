# Installs the app itself, which is a package, and packages that are folders of it. What that adds to /venv is left in
# /added too, so that the dependencies stay a layer of their own.
. /buildpack/env.sh
stamp=$(mktemp)
sleep 0.01

install_app() {
  case "$PYTHON_INSTALL" in
    pip) pip_install -r requirements.txt ;;
    setup) pip_install -e . ;;
    project) pip_install --no-deps -e . \
      || echo "The app itself is not installed as a package, only its dependencies are: see above." ;;
    uv) /tool/bin/uv sync --locked --no-dev ;;
    poetry)
      if has_folders; then /tool/bin/poetry install --only main --no-root --no-interaction; fi
      if grep -qE '^package-mode *= *false' pyproject.toml; then return; fi
      /tool/bin/poetry install --only-root --no-interaction > /tmp/root 2>&1 && cat /tmp/root && return
      grep -q 'No file/folder found for package' /tmp/root || { cat /tmp/root; return 1; }
      echo "pyproject.toml names no package that is here, so only its dependencies are installed" \
        "(package-mode = false says that it is meant)." ;;
    pipenv) /tool/bin/pipenv install --deploy ;;
  esac
}

install_app
cd /venv
# What uv keeps here for itself tells of the day.
find . -name uv_cache.json -printf '%h\n' | while read -r info; do
  sed -i '/\/uv_cache\.json,/d' "$info/RECORD"
  rm "$info/uv_cache.json"
done
find . -newer "$stamp" \( -type f -o -type l \) ! -name '*.pyc' -print > /tmp/added
tar -cf - -T /tmp/added | tar -xf - -C /added
