import { wholeDump } from '../whole.ts'

/** A cluster is made beside its place and then moved, so that one that was cut off is never taken for whole. */
export const start = `
data=/var/lib/postgresql/paas
if [ ! -d "$data" ]; then
  rm -rf "$data.new"
  initdb --pgdata="$data.new" --username=postgres --auth-local=peer --auth-host=scram-sha-256 \\
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-sync > /dev/null
  echo 'host all all all scram-sha-256' >> "$data.new/pg_hba.conf"
  sync "$data.new"
  mv "$data.new" "$data"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
`

/** PostgreSQL's own format, which pg_restore reads anywhere; zstd is known from 16 on. */
export const dump = `
case "$(pg_dump --version)" in
  *\\ 1[0-5].*) compress=1 ;;
  *) compress=zstd:1 ;;
esac
exec pg_dump --format=custom --compress="$compress" --no-owner --no-acl --dbname="$1"
`

/**
 * Loads pg_dump's own format or plain SQL into a new database, in one transaction, and puts that in the place of
 * the old one only when all of it is there.
 */
export const restore = `
database=$1 role=$2
fresh=\${database}_paas_new former=\${database}_paas_old
sql() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres "$@"; }
drop() { sql --command 'SET client_min_messages TO error' --command "DROP DATABASE IF EXISTS \\"$1\\" WITH (FORCE)"; }
drop "$fresh"
drop "$former"
sql --command "CREATE DATABASE \\"$fresh\\" OWNER \\"$role\\" TEMPLATE template0"
trap 'drop "$fresh"' EXIT
magic=$(head -c 5 | tr -d '\\0')
if [ -z "$magic" ]; then
  echo 'there is nothing to import' >&2
  exit 1
fi
input() { printf %s "$magic"; cat; }
if [ "$magic" = PGDMP ]; then
  input | pg_restore --exit-on-error --single-transaction --no-owner --no-acl --role="$role" --dbname="$fresh"
else
  { echo "SET ROLE \\"$role\\";"; input | LC_ALL=C sed -E '${wholeDump('PostgreSQL database dump$', 'PostgreSQL database dump complete')}'; } |
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --output /dev/null --dbname "$fresh"
fi
found=$(psql --no-psqlrc -At --dbname "$fresh" --command "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace OR relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg\\\\_%' AND nspname <> 'information_schema')")
if [ "$magic" != PGDMP ] && [ "$found" = 0 ]; then
  echo 'this SQL makes no table: it is not a dump' >&2
  exit 1
fi
sql --command "REVOKE ALL ON DATABASE \\"$fresh\\" FROM PUBLIC"
reopen() { sql --command "ALTER DATABASE \\"$database\\" WITH ALLOW_CONNECTIONS true"; drop "$fresh"; }
trap reopen EXIT
sql --output /dev/null \\
  --command "ALTER DATABASE \\"$database\\" WITH ALLOW_CONNECTIONS false" \\
  --command "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '$database'"
sql --single-transaction \\
  --command "ALTER DATABASE \\"$database\\" RENAME TO \\"$former\\"" \\
  --command "ALTER DATABASE \\"$fresh\\" RENAME TO \\"$database\\""
trap - EXIT
drop "$former"
`

/** Rows of every table, and how many keys and other constraints there are; NOT NULL counts as one from 18 on. */
export const contents = `
SELECT format(E'table %s.%s\\t%s', n.nspname, c.relname,
    (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I.%I', n.nspname, c.relname), false, true, '')))[1])
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1;
SELECT format(E'keys\\t%s', count(*)) FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
  WHERE c.contype <> 'n' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema';
`
