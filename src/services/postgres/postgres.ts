import { type Access, bash, type Datastore } from '../service.ts'
import { contents, dump, restore, start } from './scripts.ts'

const mebibyte = 1024 * 1024

/** A database's owner and nobody else: names are ours and hold no quotes, passwords are letters and digits. */
const provision = ({ user, password, database }: Access): string => `
SET log_min_error_statement TO panic;
SELECT 'CREATE ROLE "${user}"' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${user}') \\gexec
ALTER ROLE "${user}" LOGIN PASSWORD '${password}';
SELECT 'CREATE DATABASE "${database}" OWNER "${user}"'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${database}') \\gexec
REVOKE ALL ON DATABASE "${database}" FROM PUBLIC;
`

const psql = ['psql', '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--dbname', 'postgres']

/** PostgreSQL. Our own access is the operating system's: `peer` on the socket in the container. */
export const postgres: Datastore = {
  kind: 'postgres',
  aliases: ['postgresql', 'pg'],
  title: 'PostgreSQL',
  image: {
    version: '17',
    // Without a word the package would make a cluster of its own, which nobody uses.
    before: `apt-get install -y --no-install-recommends postgresql-common
sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf`,
    packages: ['postgresql-17'],
    path: '/usr/lib/postgresql/17/bin',
  },
  needs: { programs: ['initdb', 'postgres', 'pg_dump', 'pg_isready', 'pg_restore', 'psql'], version: '14' },
  port: 5432,
  user: 'postgres',
  dataFolder: '/var/lib/postgresql',
  memoryBytes: 512 * mebibyte,
  sharedMemoryBytes: 256 * mebibyte,
  // Fast shutdown; SIGTERM would wait for the last client to leave.
  stopSignal: 'SIGINT',
  env: { PGHOST: '/tmp' },
  variables: ['DATABASE_URL'],
  url: ({ user, password, database }, { host, port }) =>
    `postgres://${user}:${password}@${host}:${port}/${database}`,
  start({ memoryBytes, settings }) {
    const all = {
      shared_buffers: `${Math.floor(memoryBytes / 4 / mebibyte)}MB`,
      effective_cache_size: `${Math.floor((memoryBytes * 3) / 4 / mebibyte)}MB`,
      maintenance_work_mem: `${Math.max(16, Math.floor(memoryBytes / 8 / mebibyte))}MB`,
      ...settings,
    }
    return bash(start, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]))
  },
  version: { command: ['postgres', '--version'] },
  ready: () => ({ command: ['pg_isready', '--quiet', '--dbname', 'postgres'] }),
  provision: (access) => ({ command: psql, input: provision(access) }),
  remove: ({ user, database }) => ({
    command: psql,
    input: `DROP DATABASE IF EXISTS "${database}" WITH (FORCE);\nDROP ROLE IF EXISTS "${user}";\n`,
  }),
  shell: ({ database }) => ({ command: ['psql', '--dbname', database] }),
  data: {
    packed: true,
    dump: ({ database }) => ({ command: bash(dump, database) }),
    restore: ({ database, user }) => ({ command: bash(restore, database, user) }),
    contents: ({ database }) => ({
      command: [
        'psql',
        '--no-psqlrc',
        '--no-align',
        '--tuples-only',
        '--set',
        'ON_ERROR_STOP=1',
        '--dbname',
        database,
      ],
      input: contents,
    }),
  },
}
