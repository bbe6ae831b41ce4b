import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../support/process.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, startRouter, type TestRouter } from './support/router.ts'
import { makeCertificate } from './support/tls.ts'

let redis: TestRedis
let router: TestRouter
let backend: Backend
let ports: { http: number; https: number }
let pem: { key: string; cert: string }
beforeAll(async () => {
  redis = await startRedis()
  pem = makeCertificate(redis.directory)
  ports = { http: await freePort(), https: await freePort() }
  backend = await startBackend('app', (req, res) => {
    if (req.url === '/whole') res.end('whole')
    else if (req.url === '/cut') {
      res.write('part')
      setTimeout(() => res.destroy(), 50)
    } else return false
    return true
  })
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const config = {
    server: { accessLog: join(redis.directory, 'access.log'), workers: 2 },
    http: { port: ports.http },
    https: { bind: '127.0.0.1', port: ports.https, ...pem },
    driver: [redis.url],
  }
  const file = join(redis.directory, 'config.json')
  writeFileSync(file, JSON.stringify(config))
  router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  backend.close()
  await redis[Symbol.asyncDispose]()
})

/** OpenSSL complains of an end that nobody has announced. */
async function cleanlyEnded(path: string): Promise<boolean> {
  const { output } = await run(
    'openssl',
    ['s_client', '-quiet', '-ign_eof', '-connect', `127.0.0.1:${ports.https}`],
    { input: `GET ${path} HTTP/1.0\r\nHost: app.test\r\n\r\n` },
  )
  expect(output).toContain('HTTP/1.1 200 OK')
  return !output.includes('unexpected eof')
}

test('the end of an answer without a length is announced, that of a cut one is not', async () => {
  for (let i = 0; i < 5; i += 1) {
    expect(await cleanlyEnded('/whole')).toBe(true)
    expect(await cleanlyEnded('/cut')).toBe(false)
  }
})

const dial = (protocols: string[], socket = connect(ports.https, '127.0.0.1')): TLSSocket =>
  connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: protocols })

test('clients that offer HTTP/1.0 are served, and those that offer no protocol that is spoken here are not', async () => {
  for (const protocols of [['http/1.0'], ['h2', 'http/1.1']]) {
    const socket = dial(protocols)
    socket.end('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  }
  const refused = dial(['h2'])
  await expect(new Promise((_, reject) => refused.on('error', reject))).rejects.toThrow(/alert/)
})

test('who closes before a handshake is not kept until that times out', async () => {
  const socket = connect({ port: ports.https, host: '127.0.0.1', allowHalfOpen: true })
  socket.end()
  socket.resume()
  const ended = new Promise((resolve) => socket.on('end', () => resolve('ended')))
  expect(await Promise.race([ended, sleep(3000)])).toBe('ended')
})

test('who half-closes once a handshake is done gets the answer', async () => {
  const socket = dial(['http/1.1'])
  socket.end('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
})

// Who has not begun to within ten seconds is closed, and the reload may take longer.
test('who shakes hands during a reload is served', { retry: 2, timeout: 30_000 }, async () => {
  const pids = await router.workerPids()
  const early = Array.from({ length: 10 }, () => connect(ports.https, '127.0.0.1'))
  await sleep(100)
  router.child.kill('SIGHUP')
  await eventually(async () => (await router.workerPids()).every((pid) => !pids.includes(pid)), 20_000)
  const answers = early.map(async (plain) => {
    const socket = dial(['http/1.1'], plain)
    socket.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text.slice(0, 15)
  })
  expect(await Promise.all(answers)).toEqual(early.map(() => 'HTTP/1.1 200 OK'))
})

test('a certificate that is being replaced is taken by a reload alone', async () => {
  const other = makeCertificate(redis.directory, 'other')
  // The new one beside the old key.
  copyFileSync(other.cert, pem.cert)
  const pids = await router.workerPids()
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await eventually(async () => (await router.workerPids()).filter((pid) => !pids.includes(pid)).length === 2)
  expect((await ask(ports.http, 'app.test')).status).toBe(200)
  expect(await cleanlyEnded('/whole')).toBe(true)
  router.child.kill('SIGHUP')
  await eventually(() => router.log().includes('the present ones go on'), 10_000)
  expect(await cleanlyEnded('/whole')).toBe(true)
  copyFileSync(other.key, pem.key)
  const before = await router.workerPids()
  router.child.kill('SIGHUP')
  await eventually(async () => (await router.workerPids()).every((pid) => !before.includes(pid)), 10_000)
  expect(await cleanlyEnded('/whole')).toBe(true)
})

type KeyPair = { key: string; cert: string }

const openssl = (command: string): Buffer => execFileSync('openssl', command.split(' '), { stdio: 'pipe' })

/** Who issues certificates and takes them back. */
function makeAuthority(directory: string) {
  const { key, cert } = makeCertificate(directory, 'authority')
  const [crl, index, config] = ['crl.pem', 'index.txt', 'authority.cnf'].map((name) =>
    join(directory, name),
  ) as [string, string, string]
  writeFileSync(index, '')
  writeFileSync(
    config,
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${index}\ndefault_md = sha256\ndefault_crl_days = 2\n`,
  )
  const ca = (command: string) => openssl(`ca -config ${config} -keyfile ${key} -cert ${cert} ${command}`)
  const publish = () => ca(`-gencrl -out ${crl}`)
  publish()
  return {
    cert,
    crl,
    issue(name: string): KeyPair {
      const [clientKey, clientCert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)]
      openssl(
        `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name} ` +
          `-CA ${cert} -CAkey ${key} -keyout ${clientKey} -out ${clientCert}`,
      )
      return { key: clientKey, cert: clientCert }
    },
    revoke(client: KeyPair): void {
      ca(`-revoke ${client.cert}`)
      publish()
    },
  }
}

/** The router as it starts from a file of 0.3 with these options of TLS. */
async function routerOf03(tls: Record<string, unknown>) {
  const [http, https] = [await freePort(), await freePort()]
  const file = join(redis.directory, `config-${https}.json`)
  const server = { accessLog: null, workers: 1, port: http, address: ['127.0.0.1'] }
  writeFileSync(
    file,
    JSON.stringify({ server: { ...server, https: { port: https, ...tls } }, driver: redis.url }),
  )
  return { ...(await startRouter(redis, { bare: true, args: ['--hipache-config', file] })), https }
}

/** The first line of an answer, or what became of the connection. */
async function firstLine(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  socket.write('GET /for-clients HTTP/1.0\r\nHost: app.test\r\n\r\n')
  let text = ''
  try {
    for await (const chunk of socket) text += String(chunk)
  } catch (error) {
    return String(error)
  }
  return text.split('\r\n')[0]!
}

/** Waits for the worker that follows what is done. */
async function replaced(of: TestRouter, doing: (pids: number[]) => unknown): Promise<void> {
  const before = await of.workerPids()
  doing(before)
  await eventually(async () => {
    const [pid] = await of.workerPids()
    return pid !== undefined && !before.includes(pid)
  })
}

const served = 'HTTP/1.1 200 OK'
const as = (port: number, client: KeyPair): Promise<string> =>
  firstLine(port, { key: readFileSync(client.key), cert: readFileSync(client.cert) })

test('clients are asked for certificates, and those that are taken back count from a reload on', async () => {
  const authority = makeAuthority(redis.directory)
  const [staying, leaving] = [authority.issue('staying'), authority.issue('leaving')]
  const stranger = makeCertificate(redis.directory, 'stranger')
  const checked = { requestCert: true, rejectUnauthorized: true, ca: authority.cert, crl: authority.crl }
  await using strict = await routerOf03({
    ...makeCertificate(redis.directory, 'strict'),
    ...checked,
  })
  const { https } = strict
  expect(strict.log()).not.toContain('has no effect')
  expect(await as(https, staying)).toBe(served)
  expect(await as(https, leaving)).toBe(served)
  const before = backend.seen.length
  expect(await firstLine(https)).toMatch(/alert certificate required|ECONNRESET/)
  expect(await firstLine(https, { maxVersion: 'TLSv1.2' })).toMatch(/alert handshake failure|ECONNRESET/)
  expect(await as(https, stranger)).not.toContain('HTTP')
  expect(backend.seen.length).toBe(before)

  authority.revoke(leaving)
  await replaced(strict, ([pid = 0]) => process.kill(pid, 'SIGKILL'))
  expect(await as(https, leaving)).toBe(served)
  await replaced(strict, () => strict.child.kill('SIGHUP'))
  expect(await as(https, staying)).toBe(served)
  await eventually(async () => !(await as(https, leaving)).includes('HTTP'))
  // Those that were refused are not waited for.
  const stopping = performance.now()
  strict.child.kill('SIGTERM')
  await once(strict.child, 'exit')
  expect(performance.now() - stopping).toBeLessThan(15_000)
})

test('a PKCS #12 file, DH parameters and a CA as PEM, of which a worker that follows another has no need', async () => {
  const [key, cert, pfx, dhparam] = ['rsa.key', 'rsa.pem', 'rsa.p12', 'dh.pem'].map((name) =>
    join(redis.directory, name),
  ) as [string, string, string, string]
  openssl(`req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=rsa -keyout ${key} -out ${cert}`)
  openssl(`pkcs12 -export -inkey ${key} -in ${cert} -passout pass:secret -out ${pfx}`)
  openssl(`genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out ${dhparam}`)
  const client = makeCertificate(redis.directory, 'itself')
  await using started = await routerOf03({
    ...{ pfx, passphrase: 'secret', dhparam, secureProtocol: 'TLSv1_2_method' },
    ...{ ciphers: 'DHE-RSA-AES128-GCM-SHA256', requestCert: true, ca: readFileSync(client.cert, 'utf8') },
  })
  const { https } = started
  expect(await as(https, client)).toBe(served)
  expect(await firstLine(https)).not.toContain('HTTP')
  expect(await firstLine(https, { minVersion: 'TLSv1.3' })).toMatch(/alert protocol version/)
  for (const file of [pfx, dhparam]) rmSync(file)
  await replaced(started, ([pid = 0]) => process.kill(pid, 'SIGKILL'))
  expect(await as(https, client)).toBe(served)
  started.child.kill('SIGHUP')
  await eventually(() => started.log().includes('rsa.p12'))
  expect(await as(https, client)).toBe(served)
})

test.each([
  [{ requestCert: 'yes' }, 'server.https.requestCert'],
  [
    { crl: '/nonexistent.pem' },
    /A file that HTTPS needs cannot be read: .*'\/nonexistent\.pem'.*\nCorrect its path/,
  ],
  [{ ecdhCurve: 'none' }, 'Failed to set ECDH curve'],
  [{ cert: undefined }, 'https needs a key and a cert'],
])('the option of TLS %o is refused with what is wrong', async (options, message) => {
  await expect(routerOf03({ ...pem, ...options })).rejects.toThrow(message)
})
