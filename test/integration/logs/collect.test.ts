import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openEngine } from '../../../src/docker/engine.ts'
import { randomHex, randomId } from '../../../src/lib/ids.ts'
import { openLogBook } from '../../../src/logs/book.ts'
import { createCollector } from '../../../src/logs/collect.ts'
import { openPositions } from '../../../src/logs/positions.ts'
import { readFrom } from '../../../src/logs/read.ts'
import { AppId, AppName, ProcessType } from '../../../src/model/names.ts'
import { dockerLocal } from '../../../src/schedulers/docker-local/docker-local.ts'
import { type Container } from '../../../src/schedulers/scheduler.ts'
import { eventually } from '../../support/process.ts'
import { tinyImage } from '../../support/tiny-image.ts'

const engine = openEngine('/var/run/docker.sock')
const suffix = randomHex(3)
const instance = { name: `paas-test-${suffix}`, network: { bridge: 'bridge' } }
const scheduler = dockerLocal(engine, instance)
const app = { id: AppId.parse(randomId('a')), name: AppName.parse('blog') }
const log = pino({ level: 'silent' })
let image = ''
let folder = ''

beforeAll(async () => {
  await engine.negotiate()
  image = await tinyImage(engine, instance.name)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-logs-'))
})
afterEach(async () => {
  for (const { id } of await scheduler.list()) await scheduler.remove(id, 0)
  await rm(folder, { recursive: true, force: true })
})
afterAll(() => engine.images.remove(`paas-test/tiny:${instance.name}`))

function start(command: string): Promise<Container> {
  const slot = { type: ProcessType.parse('web'), index: 1 }
  return scheduler.start({ app, release: 1, slot, image, command, env: {} })
}

/** What a controller has of logs; `stop` is its end, after which another one may be opened. */
async function open() {
  const stopping = new AbortController()
  const book = openLogBook(folder)
  const positions = await openPositions(join(folder, 'positions.json'))
  const collector = createCollector({ scheduler, book, positions, log, signal: stopping.signal })
  return {
    book,
    collector,
    stop: async () => {
      stopping.abort()
      await collector.ended()
      await book.close()
      await positions.save()
    },
  }
}

async function textsIn(book: ReturnType<typeof openLogBook>): Promise<string[]> {
  const { app: ring } = await book.rings(app.id)
  await ring.flush()
  const texts: string[] = []
  const signal = new AbortController().signal
  for await (const { lines } of readFrom(ring, 0, { follow: false, signal })) {
    texts.push(...lines.map(({ text }) => text))
  }
  return texts
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1))

test('100,000 lines are taken, each once, and memory stays bounded', async () => {
  const { book, collector, stop } = await open()
  const before = process.memoryUsage().rss
  collector.follow(await start('seq 1 100000; sleep 1000'))
  const began = performance.now()
  await eventually('all lines', 30_000, async () => (await book.rings(app.id)).app.end() === 100_000)
  console.log(`100,000 lines in the ring after ${Math.round(performance.now() - began)} ms`)
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 ** 2)
  expect(await textsIn(book)).toEqual(numbers(100_000))
  await stop()
})

test('a collector that starts anew loses no line and repeats none', async () => {
  const container = await start(
    'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; [ $((i % 10)) = 0 ] && sleep 0.01; done; sleep 1000',
  )
  for (let round = 0; round < 3; round++) {
    const { collector, stop } = await open()
    collector.follow(container)
    await sleep(700)
    await stop()
  }
  const { book, collector, stop } = await open()
  collector.follow(container)
  await eventually('all lines', 30_000, async () => (await book.rings(app.id)).app.end() >= 3000)
  await sleep(300)
  expect(await textsIn(book)).toEqual(numbers(3000))
  await stop()
})

test('what a container says just before it is removed is kept', async () => {
  const { book, collector, stop } = await open()
  const careful = dockerLocal(engine, instance, (id) => collector.settled(id))
  for (let i = 0; i < 5; i++) {
    const container = await start(`echo first ${i}; echo last ${i}`)
    await scheduler.wait(container.id)
    await careful.remove(container.id, 0)
  }
  const expected = [0, 1, 2, 3, 4].flatMap((i) => [`first ${i}`, `last ${i}`])
  expect((await textsIn(book)).sort()).toEqual(expected.sort())
  await stop()
})

test('a long line comes in one piece, without the times of its parts', async () => {
  const { book, collector, stop } = await open()
  collector.follow(
    await start(
      "head -c 40000 /dev/zero | while IFS= read -r x; do :; done; printf '%040000d\\n' 7; sleep 1000",
    ),
  )
  await eventually('the line', 10_000, async () => (await book.rings(app.id)).app.end() >= 1)
  expect(await textsIn(book)).toEqual(['7'.padStart(40_000, '0')])
  await stop()
})
