/** What the tests know of a kind of service. */
export type Kind = {
  kind: string
  variable: string
  /** What is in it after a crash of the server: a cache keeps nothing. */
  survives: boolean
  /** Whether rows come back from a backup: of RabbitMQ it is the queue, without its messages. */
  restores: 'rows' | 'counts' | 'nothing'
  /** A setting, what asks its shell for it and shows that it is set, and a value that no server comes up with. */
  setting: { pair: string; ask: string; shows: RegExp; wrong: string }
  /** Asks its shell for the names of users and databases; undefined: all share one. */
  names?: string
  /** What it must not take for a dump, besides what no kind does. */
  garbage: string[]
}

export const everyKind: Kind[] = [
  {
    kind: 'postgres',
    variable: 'DATABASE_URL',
    survives: true,
    restores: 'rows',
    setting: {
      pair: 'max_connections=41',
      ask: 'SHOW max_connections;',
      shows: /^ +41$/m,
      wrong: 'max_connections=lots',
    },
    names: 'SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles;',
    garbage: ['SELECT 1;\n', '\u0000\u0001PGDMP', 'PGDMP', 'DROP TABLE notes;\nnonsense;\n'],
  },
  {
    kind: 'mariadb',
    variable: 'MYSQL_URL',
    survives: true,
    restores: 'rows',
    setting: {
      pair: 'max_connections=41',
      ask: 'SELECT @@max_connections;',
      shows: /^41$/m,
      wrong: 'no-such-setting=1',
    },
    names: 'SELECT user FROM mysql.user UNION SELECT schema_name FROM information_schema.schemata;',
    garbage: ['SELECT 1;\n', 'CREATE TABLE notes (id int);\nnonsense;\n', 'DROP DATABASE mysql;\n'],
  },
  {
    kind: 'redis',
    variable: 'REDIS_URL',
    survives: true,
    restores: 'rows',
    setting: {
      pair: 'maxclients=41',
      ask: 'CONFIG GET maxclients',
      shows: /^41$/m,
      wrong: 'maxclients=lots',
    },
    garbage: ['REDIS0011', 'FLUSHALL\r\n'],
  },
  {
    kind: 'memcached',
    variable: 'MEMCACHED_URL',
    survives: false,
    restores: 'nothing',
    setting: {
      pair: 'conn-limit=41',
      ask: 'stats settings\r\nquit\r',
      shows: /^STAT maxconns 41\r?$/m,
      wrong: 'conn-limit=lots',
    },
    garbage: [],
  },
  {
    kind: 'rabbitmq',
    variable: 'RABBITMQ_URL',
    survives: true,
    restores: 'counts',
    setting: {
      pair: 'heartbeat=41',
      ask: "rabbitmqctl --silent eval 'application:get_env(rabbit, heartbeat).'",
      shows: /\{ok,41\}/,
      wrong: 'heartbeat=lots',
    },
    names: 'rabbitmqctl --silent list_users; rabbitmqctl --silent list_vhosts',
    garbage: [
      '{}',
      '{"queues":1}',
      '{"queues":[{"vhost":"@","name":1}]}',
      // The first is right, the second is not.
      JSON.stringify({
        queues: [{}, { 'x-max-length': 'lots' }].map((rules, n) => {
          const queue = { vhost: '@', name: `queue ${n}`, durable: true, auto_delete: false }
          return { ...queue, arguments: rules }
        }),
      }),
    ],
  },
  {
    kind: 's3',
    variable: 'S3_URL',
    survives: true,
    restores: 'rows',
    setting: {
      pair: 'max_clients=41',
      ask: 'grep max_clients /tmp/swift/proxy.conf',
      shows: /^max_clients = 41$/m,
      wrong: 'max_clients=lots',
    },
    names: 'ls /dev/shm/paas /data/accounts',
    garbage: ['\u0000'.repeat(1024)],
  },
]
