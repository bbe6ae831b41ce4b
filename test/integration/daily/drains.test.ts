import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, mustRun } from '../../support/process.ts'
import { startRig, type Rig } from './rig.ts'

let rig: Rig
let folder = ''
const closing: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-drains-'))
  for (const name of ['known', 'unknown']) {
    const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)]
    const of = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
    await mustRun('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...files,
      ...of,
    ])
  }
  rig = await startRig({ NODE_EXTRA_CA_CERTS: join(folder, 'known.pem') })
  await rig.app('blog')
}, 120_000)
afterAll(async () => {
  for (const close of closing) await close()
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

type Drain = { id: string; url: string; sent: number; dropped: number; problem: string | null }
const drains = (): Promise<Drain[]> => rig.json('drains', '-a', 'blog')
const say = (text: string) => rig.json('run:detached', '-a', 'blog', '--', `echo ${text}`)

/** RFC 6587 section 3.4.1: a length, a space, so many bytes of one RFC 5424 message. Throws on anything else. */
function messagesIn(bytes: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at)
    const length = bytes.toString('latin1', at, space)
    if (!/^[1-9]\d{0,5}$/.test(length)) throw new Error(`no frame at byte ${at}: ${length.slice(0, 20)}`)
    const end = space + 1 + Number(length)
    if (end > bytes.length) break
    found.push(bytes.toString('utf8', space + 1, end))
    at = end
  }
  return found
}

/** A syslog receiver that speaks TLS with one of the two certificates. */
async function receiver(certificate: 'known' | 'unknown', port = 0) {
  const [key, cert] = await Promise.all(
    ['key', 'pem'].map((kind) => readFile(join(folder, `${certificate}.${kind}`))),
  )
  const connections: { socket: Socket; chunks: Buffer[] }[] = []
  const server = createServer({ key: key!, cert: cert! }, (socket) => {
    const connection = { socket, chunks: [] as Buffer[] }
    connections.push(connection)
    socket.on('data', (chunk: Buffer) => connection.chunks.push(chunk)).on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const { socket } of connections) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  closing.push(close)
  return {
    port: (server.address() as AddressInfo).port,
    close,
    messages: () => connections.flatMap(({ chunks }) => messagesIn(Buffer.concat(chunks))),
  }
}

test('what is no URL of a receiver is refused, and no password is repeated', async () => {
  for (const url of ['syslog://127.0.0.1', 'ftp://x/', 'nonsense', 'syslog+tls://:pa55word@/', 'https://']) {
    const { code, output } = await rig.paas(['drains:add', '-a', 'blog', url])
    expect([code, output.includes('pa55word')], url).toEqual([2, false])
  }
  expect((await rig.paas(['drains:remove', '-a', 'blog', 'd000000000000000'])).code).toBe(3)
  expect(await drains()).toEqual([])
})

test('a receiver whose certificate nobody vouches for gets nothing, and that is told', async () => {
  const stranger = await receiver('unknown')
  await rig.json('drains:add', '-a', 'blog', `syslog+tls://127.0.0.1:${stranger.port}`)
  await say('secret')
  const [drain] = await eventually('the problem is told', 15_000, async () => {
    const found = await drains()
    return found[0]?.problem == null ? undefined : found
  })
  expect(drain!.problem).toMatch(/self.signed/)
  expect([drain!.sent, stranger.messages()]).toEqual([0, []])
  await rig.json('drains:remove', '-a', 'blog', drain!.id)
})

test('a receiver over TLS gets every line, also what was said while it or the controller was away', async () => {
  const first = await receiver('known')
  const url = `syslog+tls://127.0.0.1:${first.port}`
  await rig.json('drains:add', '-a', 'blog', url)
  // A drain begins with what is said once it is known.
  await eventually('it begins', 15_000, async () => {
    await say('begin')
    return first.messages().some((message) => message.endsWith(' begin'))
  })
  await say('one ✓')
  await eventually('a line', 15_000, async () => first.messages().some((one) => one.endsWith(' one ✓')))
  const line = first.messages().find((message) => message.endsWith(' one ✓'))
  expect(line).toMatch(/^<134>1 \d{4}-\d\d-\d\dT[\d:.]+Z blog app run\.\d+ - - one ✓$/)

  await first.close()
  await say('two')
  await eventually('the outage is told', 20_000, async () => {
    await say('three')
    return (await drains())[0]!.problem !== null
  })
  await rig.restartController()
  await say('four')
  const second = await receiver('known', first.port)
  await eventually('the other lines', 40_000, async () => {
    const texts = second.messages().map((message) => message.split(' - - ')[1])
    return texts.includes('three') && texts.includes('four')
  })
  await eventually('all is well', 15_000, async () => (await drains())[0]!.problem === null)
  const [drain] = await drains()
  expect(drain).toMatchObject({ dropped: 0, problem: null })
  expect(drain!.sent).toBeGreaterThan(3)

  await rig.json('drains:remove', '-a', 'blog', url)
  // What runs looks at which drains there are every two seconds.
  await sleep(3000)
  const before = second.messages().length
  await say('five')
  await eventually('it is in the log', 15_000, async () =>
    (await rig.paas(['logs', '-a', 'blog'])).stdout.includes(': five'),
  )
  expect(second.messages().length).toBe(before)
})

test('a password in a drain’s URL is shown to nobody and stored encrypted', async () => {
  const { id } = await rig.json<Drain>(
    'drains:add',
    '-a',
    'blog',
    'https://ann:pa55word@127.0.0.1:1/in?k=pa55word',
  )
  for (const words of [['drains'], ['drains', '--json'], ['logs']]) {
    expect((await rig.paas([words[0]!, '-a', 'blog', ...words.slice(1)])).output).not.toContain('pa55word')
  }
  expect((await rig.bytesOnDisk()).includes('pa55word')).toBe(false)
  await rig.json('drains:remove', '-a', 'blog', id)
})
