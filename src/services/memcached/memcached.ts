import { bash, type Datastore } from '../service.ts'

const mebibyte = 1024 * 1024

/** Ends when the server hangs up, and asks it to at the end of stdin. */
const shell = `
exec 3<> /dev/tcp/127.0.0.1/11211
{ while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done; printf 'quit\\r\\n'; } <&0 >&3 &
cat <&3
kill $! 2> /dev/null || true
`

/** Memcached. It has no password: that only linked apps are on its network is what protects it. */
export const memcached: Datastore = {
  kind: 'memcached',
  aliases: ['memcache'],
  title: 'Memcached',
  image: { version: '1.6', packages: ['memcached'] },
  needs: { programs: ['memcached'], version: '1.6' },
  port: 11211,
  user: 'memcache',
  dataFolder: undefined,
  memoryBytes: 128 * mebibyte,
  stopSignal: 'SIGTERM',
  env: {},
  variables: ['MEMCACHED_URL'],
  url: (_access, { host, port }) => `memcached://${host}:${port}`,
  start: ({ memoryBytes, settings }) => [
    'memcached',
    '--listen=0.0.0.0',
    `--memory-limit=${Math.max(8, Math.floor((memoryBytes * 3) / 4 / mebibyte))}`,
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ],
  version: { command: ['memcached', '--version'] },
  ready: () => ({
    command: bash(
      "exec 3<> /dev/tcp/127.0.0.1/11211\nprintf 'version\\r\\n' >&3\nread -r line <&3\n[[ $line == VERSION* ]]",
    ),
  }),
  shell: () => ({ command: bash(shell) }),
  data: undefined,
}
