import { type Files } from './laptop.ts'

export type BrokenApp = {
  what: string
  files: Files
  /** What the push says: the reason, and what to do about it where that can be known. */
  says: RegExp[]
}

/** The port is looked at for a few seconds, not for a minute. */
const quickCheck = JSON.stringify({
  formation: { worker: { quantity: 1 } },
  healthchecks: {
    web: [{ type: 'startup', attempts: 5, wait: 0.5 }],
    worker: [{ type: 'startup', uptime: 1 }],
  },
})

const procfile = 'web: node server.js\nworker: node worker.js\n'
const worker = "setInterval(() => console.log('working'), 1000)\n"
const listening =
  "import { createServer } from 'node:http'\nconst server = createServer((_, res) => res.end())\n"

/** What test/apps/probe needs to be an app with a worker and checks that do not take long. */
export const goodApp: Files = { Procfile: procfile, 'worker.js': worker, 'app.json': quickCheck }

/** Every one of them is a change of `goodApp` that must not go live. */
export const brokenApps: BrokenApp[] = [
  {
    what: 'does not build',
    files: {
      'package.json': JSON.stringify({ type: 'module', scripts: { build: 'echo cannot compile && exit 3' } }),
    },
    says: [/cannot compile/, /exit code:? 3|exited with 3|code 3/],
  },
  {
    what: 'crashes at start',
    files: { 'server.js': "console.log('starting')\nthrow new Error('boom at start')\n" },
    says: [/web\.1\.\S+ exited with code 1/, /boom at start/],
  },
  {
    what: 'listens first and ends when its code does not load',
    files: {
      'server.js':
        "import { createServer } from 'node:net'\n" +
        "createServer((socket) => socket.on('error', () => undefined)).listen(process.env.PORT)\n" +
        "setTimeout(() => { throw new Error('boom while it loads') }, 700)\n",
    },
    says: [/web\.1\.\S+ exited with code 1/, /boom while it loads/],
  },
  {
    what: 'misses a variable',
    files: {
      'server.js': "if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is not set')\n",
    },
    says: [/exited with code 1/, /DATABASE_URL seems to be missing: paas config:set/],
  },
  {
    what: 'requires a variable in app.json',
    files: { 'app.json': JSON.stringify({ env: { API_TOKEN: { required: true } } }) },
    says: [/requires API_TOKEN/, /paas config:set/],
  },
  {
    what: 'starts a program that is not there',
    files: { Procfile: 'web: no-such-program\nworker: node worker.js\n' },
    says: [/exited with code 127/, /command was not found/],
  },
  {
    what: 'fails its check',
    files: {
      'app.json': JSON.stringify({
        healthchecks: { web: [{ path: '/no-such-page', attempts: 3, wait: 0.2 }] },
      }),
    },
    says: [/did not pass its check \(GET \/no-such-page on port 5000\)/, /the answer was 404/],
  },
  {
    what: 'takes connections but never answers its check',
    files: {
      'server.js':
        "import { createServer } from 'node:net'\ncreateServer(() => {}).listen(Number(process.env.PORT))\n",
      'app.json': JSON.stringify({
        healthchecks: { web: [{ path: '/', attempts: 2, wait: 0.2, timeout: 0.5 }] },
      }),
    },
    says: [/did not pass its check \(GET \/ on port 5000\)/, /no answer in time/],
  },
  {
    what: 'never listens',
    files: { 'server.js': "console.log('thinking')\nsetInterval(() => {}, 1000)\n" },
    says: [/did not pass its check \(port 5000\)/, /listens on no port/, /thinking/],
  },
  {
    what: 'listens on 127.0.0.1',
    files: { 'server.js': `${listening}server.listen(Number(process.env.PORT), '127.0.0.1')\n` },
    says: [/the connection was refused/, /listens on 127\.0\.0\.1:5000.*0\.0\.0\.0/],
  },
  {
    what: 'listens on another port',
    files: { 'server.js': `${listening}server.listen(8123)\n` },
    says: [/the connection was refused/, /listens on port 8123, not 5000/],
  },
  {
    what: 'has a release task that fails',
    files: { Procfile: `${procfile}release: echo migrating; exit 7\n` },
    says: [/migrating/, /release task failed with exit code 7/],
  },
  {
    what: 'has a worker that crashes, though web is fine',
    files: { Procfile: 'web: node server.js\nworker: echo no work; exit 9\n' },
    says: [/worker\.1\.\S+ exited with code 9/, /no work/],
  },
  {
    what: 'uses more memory than it may',
    files: {
      'server.js': 'const all = []\nfor (;;) all.push(Buffer.alloc(64 * 1024 * 1024, 1))\n',
      'app.json': '{}',
    },
    says: [/out of memory/, /more memory than its limit/],
  },
  {
    what: 'has a Procfile that is none',
    files: { Procfile: 'this is not a Procfile\n' },
    says: [/Procfile/],
  },
]
