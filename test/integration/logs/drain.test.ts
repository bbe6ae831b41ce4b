import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { drain, type DrainState } from '../../../src/logs/drain.ts'
import { type LogLine } from '../../../src/logs/line.ts'
import { openRing } from '../../../src/logs/ring.ts'
import { eventually } from '../../support/process.ts'

let folder = ''
const stopping: (() => unknown)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-drain-'))
})
afterEach(async () => {
  for (const stop of stopping.splice(0)) await stop()
  await rm(folder, { recursive: true, force: true })
})

const line = (n: number): LogLine => ({
  time: `2026-11-20T12:00:00.${String(n).padStart(9, '0')}Z`,
  source: 'app',
  process: 'web.1',
  stream: 'stdout',
  text: `line ${n} ✓`,
})
const lines = (from: number, count: number): LogLine[] =>
  Array.from({ length: count }, (_, i) => line(from + i))
const fresh = (): DrainState => ({ next: 0, sent: 0, dropped: 0, problem: undefined })

/** Takes RFC 6587 frames; throws on what is none. */
function readFrames(bytes: Buffer): string[] {
  const messages: string[] = []
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(32, at)
    const length = Number(bytes.toString('latin1', at, space))
    if (!Number.isInteger(length) || length <= 0) throw new Error(`no frame at ${at}`)
    if (space + 1 + length > bytes.length) break
    messages.push(bytes.toString('utf8', space + 1, space + 1 + length))
    at = space + 1 + length
  }
  return messages
}

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A syslog receiver on a port, which can be taken away. */
async function syslogReceiver(port = 0) {
  const sockets = new Set<Socket>()
  const received: Buffer[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => undefined)
  })
  const used = await listen(server, port)
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  stopping.push(close)
  return { port: used, close, messages: () => readFrames(Buffer.concat(received)) }
}

test('syslog gets every line as RFC 5424 has it, and again after it was away', async () => {
  const ring = await openRing(folder, { bytes: 1024 ** 2, segmentBytes: 64 * 1024 })
  const first = await syslogReceiver()
  const state = fresh()
  const stop = new AbortController()
  const url = new URL(`syslog://127.0.0.1:${first.port}`)
  const draining = drain(ring, url, 'blog', state, stop.signal)
  await ring.append(lines(0, 100))
  await eventually('the first lines', 20_000, async () => first.messages().length === 100)
  expect(first.messages()[7]).toBe('<134>1 2026-11-20T12:00:00.000000Z blog app web.1 - - line 7 ✓')

  await first.close()
  await eventually('the outage is noticed', 20_000, async () => {
    await ring.append(lines(100 + state.sent, 1))
    await ring.flush()
    return state.problem !== undefined
  })
  const waiting = ring.end()
  await ring.append(lines(5000, 200))
  await ring.flush()
  const second = await syslogReceiver(first.port)
  await eventually('the other lines', 20_000, async () => state.next === ring.end())
  expect(state.dropped).toBe(0)
  const texts = await eventually('all of them', 20_000, async () => {
    const found = second.messages().map((message) => message.split(' - - ')[1])
    return found.length >= ring.end() - waiting ? found : undefined
  })
  expect(texts.slice(-200)).toEqual(lines(5000, 200).map((one) => one.text))
  stop.abort()
  await draining
  await ring.close()
})

test('what the ring gives up while nobody takes it is counted', async () => {
  const ring = await openRing(folder, { bytes: 20_000, segmentBytes: 4_000 })
  for (let n = 0; n < 1000; n += 100) {
    await ring.append(lines(n, 100))
    await ring.flush()
  }
  const receiver = await syslogReceiver()
  const state = fresh()
  const stop = new AbortController()
  const draining = drain(ring, new URL(`syslog://127.0.0.1:${receiver.port}`), 'blog', state, stop.signal)
  await eventually('the rest', 20_000, async () => state.next === 1000)
  expect(state.dropped).toBeGreaterThan(500)
  expect(state.dropped + state.sent).toBe(1000)
  stop.abort()
  await draining
  await ring.close()
})

test('HTTP gets batches with a count and a password, and the same batch again after an error', async () => {
  const ring = await openRing(folder, { bytes: 1024 ** 2, segmentBytes: 64 * 1024 })
  const bodies: { count: number; messages: string[]; authorization: string | undefined }[] = []
  let answer = 500
  const server = createHttp((request, response) => {
    void text(request).then((body) => {
      const messages = readFrames(Buffer.from(body))
      const { authorization } = request.headers
      bodies.push({ count: Number(request.headers['logplex-msg-count']), messages, authorization })
      response.writeHead(answer).end()
      answer = 204
    })
  })
  const port = await listen(server)
  stopping.push(() => new Promise((resolve) => server.close(resolve)))
  await ring.append(lines(0, 50))
  await ring.flush()
  const state = fresh()
  const stop = new AbortController()
  const url = new URL(`http://ann:s%40fe@127.0.0.1:${port}/in`)
  const draining = drain(ring, url, 'blog', state, stop.signal)
  await eventually('the lines', 20_000, async () => state.next === 50)
  expect(bodies.map(({ count }) => count)).toEqual([50, 50])
  expect(bodies[1]!.messages).toEqual(bodies[0]!.messages)
  expect(bodies[0]!.authorization).toBe(`Basic ${Buffer.from('ann:s@fe').toString('base64')}`)
  expect(state).toMatchObject({ sent: 50, dropped: 0, problem: undefined })
  stop.abort()
  await draining
  await ring.close()
})
