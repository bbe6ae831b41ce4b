import { wholeDump } from '../whole.ts'

/** A data folder is made beside its place and then moved, so that one that was cut off is never taken for whole. */
export const start = `
data=/var/lib/mysql/paas
if [ ! -d "$data" ]; then
  rm -rf "$data.new"
  mariadb-install-db --no-defaults --datadir="$data.new" --skip-test-db \\
    --auth-root-authentication-method=socket --auth-root-socket-user=mysql > /dev/null
  sync "$data.new"
  mv "$data.new" "$data"
fi
exec mariadbd --no-defaults --datadir="$data" --socket=/tmp/mysql.sock --pid-file=/tmp/mariadbd.pid \\
  --bind-address='*' --port=3306 --skip-name-resolve --character-set-server=utf8mb4 "$@"
`

const functions = `
options=(--no-defaults --socket=/tmp/mysql.sock)
sql() { mariadb "\${options[@]}" --user=mysql --batch --skip-column-names "$@"; }
`

/**
 * Loads SQL into a new database, as a user who can do nothing else, and then moves its tables into the place of the
 * old ones in one step. Definers are left out: they are users of the server that the dump comes from.
 */
export const restore = `${functions}
database=$1
fresh=\${database}_paas_new former=\${database}_paas_old loader=\${database:0:60}_paas_load
work=$(mktemp -d)
cleanup() {
  sql --execute "DROP DATABASE IF EXISTS \\\`$fresh\\\`; DROP DATABASE IF EXISTS \\\`$former\\\`; DROP USER IF EXISTS '$loader'@'localhost'"
  rm -rf "$work"
}
cleanup
mkdir "$work"
trap cleanup EXIT
password=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \\n')
pattern=\${fresh//_/\\\\_}
sql << SQL
CREATE DATABASE \\\`$fresh\\\` CHARACTER SET utf8mb4;
CREATE DATABASE \\\`$former\\\`;
CREATE USER '$loader'@'localhost' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON \\\`$pattern\\\`.* TO '$loader'@'localhost';
SQL
LC_ALL=C sed -E '${wholeDump('(MariaDB|MySQL) dump', 'Dump completed')}
/^(\\/\\*!5|CREATE)/ s/DEFINER[ ]*=[ ]*(\`[^\`]*\`|[^ @]+)@(\`[^\`]*\`|[^ *]+)//g' |
  MYSQL_PWD=$password mariadb "\${options[@]}" --user="$loader" --default-character-set=utf8mb4 "$fresh" > /dev/null
names() { sql --execute "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '$1' AND TABLE_TYPE $2 ORDER BY 1"; }
base="= 'BASE TABLE'" views="= 'VIEW'"
if [ -z "$(names "$fresh" "IS NOT NULL")" ]; then
  echo 'there is no table in it: it is not a dump' >&2
  exit 1
fi
dump() { mariadb-dump "\${options[@]}" --user=mysql --skip-comments "$@"; }
dump --no-data --no-create-info --routines --events --triggers "$fresh" > "$work/programs"
mapfile -t seen < <(names "$fresh" "$views")
: > "$work/views"
[ "\${#seen[@]}" = 0 ] || dump "$fresh" "\${seen[@]}" | sed "s/\\\`$fresh\\\`\\.//g" > "$work/views"
{
  for schema in "$fresh" "$database"; do
    sql --execute "SELECT CONCAT('DROP TRIGGER \\\`$schema\\\`.\\\`', TRIGGER_NAME, '\\\`;') FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '$schema'"
    names "$schema" "$views" | while read -r view; do echo "DROP VIEW \\\`$schema\\\`.\\\`$view\\\`;"; done
  done
  sql --execute "SELECT CONCAT('DROP ', ROUTINE_TYPE, ' \\\`$database\\\`.\\\`', ROUTINE_NAME, '\\\`;') FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '$database'"
  sql --execute "SELECT CONCAT('DROP EVENT \\\`$database\\\`.\\\`', EVENT_NAME, '\\\`;') FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '$database'"
  echo 'SET foreign_key_checks = 0;'
  {
    names "$database" "$base" | while read -r table; do echo "\\\`$database\\\`.\\\`$table\\\` TO \\\`$former\\\`.\\\`$table\\\`"; done
    names "$fresh" "$base" | while read -r table; do echo "\\\`$fresh\\\`.\\\`$table\\\` TO \\\`$database\\\`.\\\`$table\\\`"; done
  } | sed '1s/^/RENAME TABLE /; $!s/$/,/; $s/$/;/'
} > "$work/switch"
sql < "$work/switch"
LC_ALL=C sed -E 's/DEFINER[ ]*=[ ]*(\`[^\`]*\`|[^ @]+)@(\`[^\`]*\`|[^ *]+)//g' "$work/programs" "$work/views" | sql "$database"
`

/** Rows of every table, and how many keys there are. */
export const contents = `${functions}
sql --execute "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '$1' AND TABLE_TYPE = 'BASE TABLE' ORDER BY 1" |
  while read -r table; do
    printf 'table %s\\t%s\\n' "$table" "$(sql --execute "SELECT COUNT(*) FROM \\\`$1\\\`.\\\`$table\\\`" < /dev/null)"
  done
sql --execute "SELECT CONCAT('keys\\t', COUNT(*)) FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = '$1'" --raw
`
