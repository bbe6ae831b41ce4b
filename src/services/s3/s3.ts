import { type Access, bash, type Datastore, type Step } from '../service.ts'
import { chores } from './chores.ts'
import { data } from './data.ts'
import { server } from './server.ts'

const mebibyte = 1024 * 1024
const region = 'us-east-1'

/** A bucket's name has no underscore and at least three characters. Pure. */
export const bucketOf = (database: string): string => database.replaceAll('_', '-').padEnd(3, '-s3')

const start = `
umask 077
mkdir -p /tmp/swift
cat > /tmp/swift/paas_server.py << 'PYTHON'${server}PYTHON
cat > /tmp/swift/paas_data.py << 'PYTHON'${data}PYTHON
cat > /tmp/swift/paas_chores.py << 'PYTHON'${chores}PYTHON
exec python3 /tmp/swift/paas_server.py "$@"
`
const ready = `
for port in 6200 6201 6202; do exec 3<> "/dev/tcp/127.0.0.1/$port"; done
exec 3<> /dev/tcp/127.0.0.1/9000
printf 'GET /healthcheck HTTP/1.0\\r\\n\\r\\n' >&3
read -r line <&3
[[ $line == *' 200 '* ]]
`

/** The client for people; it takes its keys from the environment. */
const shell = `
cat > /tmp/s3cfg << 'END'
[default]
host_base = 127.0.0.1:9000
host_bucket = 127.0.0.1:9000
use_https = False
END
exec bash --norc
`

const run = (...words: string[]): Step => ({ command: ['python3', '/tmp/swift/paas_data.py', ...words] })
const at = ({ database }: Access): [string, string] => [database, bucketOf(database)]

/**
 * An object store that speaks S3: OpenStack Swift, all of it in one container. A database is an account, with a
 * bucket that is there from the start; its user can make others. The server has to know secrets as they are, to check
 * signatures: they are in its memory alone.
 */
export const s3: Datastore = {
  kind: 's3',
  aliases: ['objectstore', 'swift'],
  title: 'S3 (OpenStack Swift)',
  image: {
    version: '2.35',
    packages: ['python3-swift', 's3cmd'],
  },
  needs: { programs: ['python3', 's3cmd'], version: '2.35' },
  port: 9000,
  user: 'swift',
  dataFolder: '/data',
  memoryBytes: 512 * mebibyte,
  stopSignal: 'SIGTERM',
  env: { PYTHONPATH: '/tmp/swift', S3CMD_CONFIG: '/tmp/s3cfg' },
  variables: ['S3_URL'],
  parts: {
    AWS_ACCESS_KEY_ID: ({ username }) => username,
    AWS_SECRET_ACCESS_KEY: ({ password }) => password,
    AWS_ENDPOINT_URL_S3: ({ host }) => `http://${host}`,
    AWS_REGION: () => region,
    BUCKET_NAME: ({ pathname }) => pathname.slice(1),
  },
  url: ({ user, password, database }, { host, port }) =>
    `s3://${user}:${password}@${host}:${port}/${bucketOf(database)}`,
  start: ({ settings }) =>
    bash(start, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)),
  version: { command: ['python3', '-c', 'import swift; print(swift.__version__)'] },
  ready: () => ({ command: bash(ready) }),
  provision: (access) => ({
    ...run('make', access.database),
    input: JSON.stringify({ user: access.user, secret: access.password, bucket: bucketOf(access.database) }),
  }),
  remove: ({ database, user }) => run('remove', database, user),
  shell: ({ user, password }) => ({
    command: bash(shell),
    env: { AWS_ACCESS_KEY_ID: user, AWS_SECRET_ACCESS_KEY: password },
  }),
  data: {
    packed: false,
    dump: (access) => run('dump', ...at(access)),
    restore: (access) => run('restore', ...at(access)),
    contents: (access) => run('count', ...at(access)),
  },
}
