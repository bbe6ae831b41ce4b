# Collects Django's static files where there is anything to collect.
. /buildpack/env.sh
[ -z "${DISABLE_COLLECTSTATIC:-}" ] || exit 0
python3 -c 'import django' 2> /dev/null || exit 0
grep -rqs --include='*.py' STATIC_ROOT . || exit 0
if ! python manage.py collectstatic --noinput; then
  echo "collectstatic failed: it runs with the app's config vars, so a missing one can be the cause" >&2
  echo "(paas config:set NAME=value), or turn it off with paas config:set DISABLE_COLLECTSTATIC=1" >&2
  exit 1
fi
