/** The users, which hold hashes alone, are put there once the container runs. */
export const start = `
until [ -f /data/users.acl ]; do sleep 0.02; done
exec redis-server --dir /data --aclfile /data/users.acl --bind '*' --protected-mode no \\
  --appendonly yes --appendfsync everysec --save '' --maxmemory-policy noeviction "$@"
`

export const writeUsers = `
umask 077
cat > /data/users.acl.new
mv /data/users.acl.new /data/users.acl`

/**
 * A second server loads the dump, which proves it, and the first one takes all of it over as its replica: until the
 * copy is complete the old data is there.
 */
export const restore = `
cli() { redis-cli --no-auth-warning --user paas -e "$@"; }
dir=/data/import
rm -rf "$dir"
mkdir "$dir"
pid=
finish() {
  cli REPLICAOF NO ONE > /dev/null || true
  [ -z "$pid" ] || kill -9 "$pid" 2> /dev/null || true
  rm -rf "$dir"
}
trap finish EXIT
cat > "$dir/dump.rdb"
redis-check-rdb "$dir/dump.rdb" > "$dir/check" 2>&1 || { echo 'this is no dump of Redis:' "$(tail -n 1 "$dir/check")" >&2; exit 1; }
redis-server --port 6390 --bind 127.0.0.1 --dir "$dir" --dbfilename dump.rdb --save '' --appendonly no \\
  --repl-diskless-sync-delay 0 > "$dir/log" 2>&1 &
pid=$!
other() { env -u REDISCLI_AUTH redis-cli -e -p 6390 "$@"; }
for _ in $(seq 3000); do
  kill -0 "$pid" 2> /dev/null || { tail -n 3 "$dir/log" >&2; exit 1; }
  [ "$(other ping 2> /dev/null || true)" != PONG ] || break
  sleep 0.1
done
cli REPLICAOF 127.0.0.1 6390 > /dev/null
for _ in $(seq 36000); do
  state=$(cli INFO replication)
  if [[ $state == *master_link_status:up* && $state == *master_sync_in_progress:0* ]]; then
    exit 0
  fi
  kill -0 "$pid" 2> /dev/null || { tail -n 3 "$dir/log" >&2; exit 1; }
  sleep 0.1
done
echo 'the data did not arrive in an hour' >&2
exit 1
`

/** How many keys each database has. */
export const contents = `
redis-cli --no-auth-warning --user paas -e INFO keyspace | sed -n 's/^\\(db[0-9]*\\):keys=\\([0-9]*\\),.*/keys \\1\\t\\2/p'
`
