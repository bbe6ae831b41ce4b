import { type Access, bash, type Datastore } from '../service.ts'
import { contents, restore, start } from './scripts.ts'

const mebibyte = 1024 * 1024
const local = ['--no-defaults', '--socket=/tmp/mysql.sock', '--user=mysql']
/** In GRANT, the name of a database is a pattern. */
const exactly = (database: string): string => database.replaceAll('_', '\\_')

const provision = ({ user, password, database }: Access): string => `
CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY '${password}';
ALTER USER '${user}'@'%' IDENTIFIED BY '${password}';
GRANT ALL PRIVILEGES ON \`${exactly(database)}\`.* TO '${user}'@'%';
`

/** MariaDB. Our own access is the operating system's: the socket in the container knows who is asking. */
export const mariadb: Datastore = {
  kind: 'mariadb',
  aliases: ['mysql'],
  title: 'MariaDB',
  image: { version: '11.8', packages: ['mariadb-server', 'mariadb-client'] },
  needs: { programs: ['mariadb', 'mariadb-dump', 'mariadb-install-db', 'mariadbd'], version: '10.6' },
  port: 3306,
  user: 'mysql',
  dataFolder: '/var/lib/mysql',
  memoryBytes: 512 * mebibyte,
  stopSignal: 'SIGTERM',
  env: {},
  variables: ['MYSQL_URL', 'DATABASE_URL'],
  url: ({ user, password, database }, { host, port }) =>
    `mysql://${user}:${password}@${host}:${port}/${database}`,
  start({ memoryBytes, settings }) {
    const all = { 'innodb-buffer-pool-size': `${Math.floor(memoryBytes / 2 / mebibyte)}M`, ...settings }
    return bash(start, ...Object.entries(all).map(([name, value]) => `--${name}=${value}`))
  },
  version: { command: ['mariadbd', '--no-defaults', '--version'] },
  ready: () => ({ command: ['mariadb', ...local, '--execute=SELECT 1'] }),
  provision: (access) => ({ command: ['mariadb', ...local], input: provision(access) }),
  remove: ({ user, database }) => ({
    command: ['mariadb', ...local],
    input: `DROP DATABASE IF EXISTS \`${database}\`;\nDROP USER IF EXISTS '${user}'@'%';\n`,
  }),
  shell: ({ database }) => ({ command: ['mariadb', ...local, database] }),
  data: {
    packed: false,
    dump: ({ database }) => ({
      command: [
        ...[
          'mariadb-dump',
          ...local,
          '--single-transaction',
          '--quick',
          '--routines',
          '--triggers',
          '--events',
        ],
        ...['--hex-blob', '--skip-dump-date', '--', database],
      ],
    }),
    restore: ({ database }) => ({ command: bash(restore, database) }),
    contents: ({ database }) => ({ command: bash(contents, database) }),
  },
}
