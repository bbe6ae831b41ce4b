import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lane, modes, startLane } from './lane.ts'

/**
 * Requests from a grammar with mutations at every place, seeded; the strict recording backend is the judge: it
 * must never see what it cannot read, and the next client must get its own answer. FUZZ_SEED repeats a run,
 * FUZZ_SECONDS prolongs it.
 */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const seconds = Number(process.env.FUZZ_SECONDS ?? 60)
const lanes: Lane[] = []

beforeAll(async () => {
  for (let i = 0; i < 6; i += 1) lanes.push(await startLane(modes[i % modes.length]![1]))
})
afterAll(() => {
  for (const lane of lanes) lane.close()
})

/** mulberry32: small, seeded, good enough to choose test cases. */
function generator(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type Random = () => number
const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)]!

const methods = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'get',
  'G T',
  'CONNECT',
  'TRACE',
  '',
]
const targets = [
  '/',
  '/a?b',
  '*',
  'http://good.test/x',
  'http://other.test/',
  'http://u@good.test/',
  '//',
  '/%00',
  '/#',
  'x',
  '/\\',
]
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.1 ',
  'http/1.1',
  'HTTP/0.9',
  '',
]
const ends = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\n\r', '']
const separators = [': ', ': ', ': ', ':', ' : ', ':\t', ' ', ':\x0b', ':\0']
const names = [
  'Content-Length',
  'Transfer-Encoding',
  'Host',
  'Connection',
  'X-A',
  'Upgrade',
  'Expect',
  'TE',
  'Trailer',
]
const oddNames = [
  'content_length',
  'Transfer Encoding',
  ' X-A',
  'X\0',
  'X\xe4',
  '',
  'Cookie',
  'X-Forwarded-For',
  'Forwarded',
]
const fieldValues = [
  'chunked',
  '3',
  '0',
  '5',
  'chunked, chunked',
  'gzip, chunked',
  'identity',
  'good.test',
  'other.test',
  'close',
]
const oddValues = [
  'keep-alive',
  'Host',
  '3, 3',
  '+3',
  '0x3',
  ' 3',
  'Chunked',
  '\x0bchunked',
  '3\r\n4',
  'websocket',
  'h2c',
  '100-continue',
  'Transfer-Encoding',
  '',
]
const bodies = [
  '',
  'abc',
  '3\r\nabc\r\n0\r\n\r\n',
  '0\r\n\r\n',
  '3;x=y\r\nabc\r\n0\r\nX-T: v\r\n\r\n',
  '5\r\nabc',
  '03\r\nabc\r\n0\r\n\r\n',
  '3\nabc\n0\n\n',
  'GET /smuggled HTTP/1.1\r\nHost: good.test\r\n\r\n',
  '-1\r\n',
  'ffffffffff\r\n',
]

function request(random: Random): string {
  const odd = random() < 0.4
  const end = (): string => (odd && random() < 0.1 ? pick(random, ends) : '\r\n')
  let text = `${pick(random, odd ? methods : methods.slice(0, 7))} ${pick(random, odd ? targets : targets.slice(0, 2))} ${pick(random, odd ? versions : versions.slice(0, 3))}${end()}`
  if (random() < 0.95) text += `Host: good.test${end()}`
  const count = Math.floor(random() * 4)
  for (let i = 0; i < count; i += 1) {
    const name = pick(random, odd ? [...names, ...oddNames] : names)
    const value = pick(random, odd ? [...fieldValues, ...oddValues] : fieldValues)
    text += `${name}${odd ? pick(random, separators) : ': '}${value}${end()}`
  }
  return `${text}${end()}${pick(random, bodies)}`
}

function mutate(random: Random, text: string): string {
  if (random() < 0.5 || text === '') return text
  const at = Math.floor(random() * text.length)
  const byte = String.fromCharCode(
    random() < 0.5 ? Math.floor(random() * 256) : pick(random, [0, 9, 10, 11, 13, 32, 58]),
  )
  const way = Math.floor(random() * 4)
  if (way === 0) return text.slice(0, at) + byte + text.slice(at + 1)
  if (way === 1) return text.slice(0, at) + byte + text.slice(at)
  if (way === 2) return text.slice(0, at) + text.slice(at + 1)
  return text.slice(0, at) + text.slice(at, at + 20) + text.slice(at)
}

function pieces(random: Random, text: string): string[] {
  if (random() < 0.5 || text.length < 2) return [text]
  const at = 1 + Math.floor(random() * (text.length - 1))
  return [text.slice(0, at), text.slice(at)]
}

test(`fuzzing for ${seconds} s with seed ${seed}`, { timeout: (seconds + 30) * 1000 }, async () => {
  const problems: string[] = []
  const until = performance.now() + seconds * 1000
  let sent = 0
  let through = 0
  await Promise.all(
    lanes.map(async (lane, i) => {
      const random = generator(seed + i)
      while (performance.now() < until && problems.length < 5) {
        let text = mutate(random, request(random))
        if (random() < 0.3) text += mutate(random, request(random))
        const outcome = await lane.converse(pieces(random, text))
        sent += 1
        through += outcome.recording.messages.length
        const wrong = [...outcome.recording.errors]
        if (!outcome.closed) wrong.push('the connection stayed open')
        if (wrong.length > 0) problems.push(`${JSON.stringify(text)}: ${wrong.join('; ')}`)
      }
    }),
  )
  console.log(`seed ${seed}: ${sent} conversations, ${through} requests at the backend`)
  expect(problems).toEqual([])
  expect(through).toBeGreaterThan(sent / 50)
})
