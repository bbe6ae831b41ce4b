import { createHash } from 'node:crypto'
import { type Access, bash, type Datastore } from '../service.ts'

const mebibyte = 1024 * 1024

/** A password as RabbitMQ stores it: four bytes of salt, and SHA-256 over salt and password, in base64. */
function passwordHash(password: string): string {
  const salt = createHash('sha256').update(`salt of ${password}`).digest().subarray(0, 4)
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()]).toString('base64')
}

const definitions = ({ user, password, database }: Access): string =>
  JSON.stringify({
    users: [
      {
        name: user,
        password_hash: passwordHash(password),
        hashing_algorithm: 'rabbit_password_hashing_sha256',
        tags: [],
      },
    ],
    vhosts: [{ name: database }],
    permissions: [{ user, vhost: database, configure: '.*', write: '.*', read: '.*' }],
  })

/** It has to be told where its log goes, how much memory it has, and that this machine is all of its cluster. */
const start = `
printf 'vm_memory_high_watermark.absolute = %s\\nlisteners.tcp.default = 5672\\nlog.console = true\\nlog.console.level = warning\\n' "$1" > /tmp/rabbitmq.conf
shift
printf '%s\\n' "$@" >> /tmp/rabbitmq.conf
exec rabbitmq-server
`

/** From a file, as its client does not notice the end of stdin. */
const provision = `
file=$(mktemp)
trap 'rm -f "$file"' EXIT
cat > "$file"
rabbitmqctl --silent import_definitions "$file" < /dev/null
`

/** Keeps what belongs to one virtual host, and gives it to another; users are not taken along. */
const move = `
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/move" << 'ERLANG'
#!/usr/bin/env escript
main([In, Out, From, To]) ->
    {ok, Text} = file:read_file(In),
    All = json:decode(Text),
    Kinds = [<<"queues">>, <<"exchanges">>, <<"bindings">>, <<"policies">>, <<"parameters">>],
    Found = maps:with(Kinds, All),
    true = maps:size(Found) > 0,
    Moved = maps:map(fun(_, Items) ->
        [begin
            true = is_binary(maps:get(<<"name">>, Item, <<>>)),
            Item#{<<"vhost">> => list_to_binary(To)}
        end || #{<<"vhost">> := Host} = Item <- Items, Host =:= list_to_binary(From)]
    end, Found),
    ok = file:write_file(Out, json:encode(Moved)).
ERLANG
move() { escript "$work/move" "$@" < /dev/null > "$work/log" 2>&1 || { echo 'these are no definitions of RabbitMQ' >&2; exit 1; }; }
`
const dump = `${move}
rabbitmqctl --silent export_definitions "$work/all" < /dev/null >&2
move "$work/all" "$work/own" "$1" @
cat "$work/own"
`
/** A server takes what comes before the first wrong definition, so a virtual host of its own has them first. */
const restore = `${move}
cat > "$work/own"
trial=$1_paas_new
ctl() { rabbitmqctl --silent "$@" < /dev/null >&2; }
remove() { ctl delete_vhost "$trial" 2> /dev/null || true; }
move "$work/own" "$work/trial" @ "$trial"
move "$work/own" "$work/all" @ "$1"
remove
ctl add_vhost "$trial"
trap 'remove; rm -rf "$work"' EXIT
ctl import_definitions "$work/trial"
ctl import_definitions "$work/all"
`

const contents = `
for what in queues exchanges bindings policies; do
  printf '%s\\t%s\\n' "$what" "$(rabbitmqctl --quiet --no-table-headers list_$what --vhost "$1" | wc -l)"
done
`

/** RabbitMQ. What is saved of it are users, queues and rules; messages are on their way and not saved. */
export const rabbitmq: Datastore = {
  kind: 'rabbitmq',
  aliases: ['amqp'],
  title: 'RabbitMQ',
  image: { version: '4', packages: ['rabbitmq-server'], path: '/usr/lib/rabbitmq/bin' },
  needs: { programs: ['escript', 'rabbitmq-server', 'rabbitmqctl'], version: '4.0' },
  port: 5672,
  user: 'rabbitmq',
  dataFolder: '/var/lib/rabbitmq',
  memoryBytes: 512 * mebibyte,
  stopSignal: 'SIGTERM',
  env: {
    HOME: '/var/lib/rabbitmq',
    RABBITMQ_NODENAME: 'rabbit@localhost',
    RABBITMQ_CONFIG_FILE: '/tmp/rabbitmq.conf',
    // The official image has some there, that let anybody in as guest.
    RABBITMQ_CONFIG_FILES: '/tmp/rabbitmq.d',
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: '/tmp/rabbitmq.pid',
    RABBITMQ_ENABLED_PLUGINS_FILE: '/tmp/enabled_plugins',
  },
  variables: ['RABBITMQ_URL', 'AMQP_URL', 'CLOUDAMQP_URL'],
  url: ({ user, password, database }, { host, port }) =>
    `amqp://${user}:${password}@${host}:${port}/${database}`,
  start: ({ memoryBytes, settings }) =>
    bash(
      start,
      `${Math.floor((memoryBytes * 3) / 5 / mebibyte)}MB`,
      ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    ),
  version: { command: ['rabbitmqctl', 'version'] },
  ready: () => ({ command: bash('exec 3<> /dev/tcp/127.0.0.1/5672') }),
  provision: (access) => ({
    command: bash(provision),
    input: definitions(access),
  }),
  remove: ({ user, database }) => ({
    command: bash(
      'rabbitmqctl --silent delete_vhost "$1"\nrabbitmqctl --silent delete_user "$2"',
      database,
      user,
    ),
  }),
  shell: () => ({ command: bash('exec bash --norc -i') }),
  data: {
    packed: false,
    dump: ({ database }) => ({ command: bash(dump, database) }),
    restore: ({ database }) => ({ command: bash(restore, database) }),
    contents: ({ database }) => ({ command: bash(contents, database) }),
  },
}
