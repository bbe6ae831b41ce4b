import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Buffers } from '../../../src/router/forward/buffers.ts'
import { eventually } from './support/router.ts'
import { createSendQueues } from '../../../src/router/forward/send-queues.ts'
import { Outbox } from '../../../src/router/forward/outbox.ts'

const opened: { destroy(): void }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.destroy()
})

/** Two ends of a connection; nothing is read from `far` until somebody listens. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [
    [Socket],
    unknown,
  ]
  server.close()
  near.on('error', () => undefined)
  far.on('error', () => undefined)
  opened.push(near, far)
  return { near, far }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume()
  await once(socket, 'end')
  return Buffer.concat(chunks)
}

/** Nothing is known of what the kernel has. */
const none = createSendQueues([])

describe('what is written', () => {
  test('is seen to move while a part of it is taken', async () => {
    const { near, far } = await pair()
    const out = new Outbox(near, new Buffers(), () => undefined)
    const body = Buffer.alloc(32 * 2 ** 20)
    out.bytes(body, 0, body.length, true)
    await sleep(200)
    out.moved(none)
    await sleep(100)
    expect(out.moved(none)).toBe(false)
    far.on('data', () => far.pause()).resume()
    while (!out.moved(none)) {
      far.resume()
      await sleep(10)
    }
    expect(out.unflushed).toBe(true)
  })

  test('is seen to move while its reader takes some of what the kernel has', async () => {
    const { near, far } = await pair()
    const kernel = createSendQueues()
    const out = new Outbox(near, new Buffers(), () => undefined)
    const body = Buffer.alloc(32 * 2 ** 20)
    out.bytes(body, 0, body.length, true)
    const waiting = (): unknown =>
      (near as Socket & { _handle?: { writeQueueSize?: number } })._handle?.writeQueueSize
    await sleep(200)
    for (let i = 0; i < 3; i += 1) {
      out.moved(kernel)
      await sleep(1200)
    }
    expect(out.moved(kernel)).toBe(false)
    // Now and then the kernel takes more as well.
    await eventually(async () => {
      const before = waiting()
      far.resume()
      await once(far, 'data')
      far.pause()
      await sleep(300)
      return out.moved(kernel) && waiting() === before
    }, 20_000)
  })

  test('arrives in order when the reader is slow, whatever its sizes', async () => {
    const { near, far } = await pair()
    const own = new Buffers()
    const drained = Promise.withResolvers<void>()
    const out = new Outbox(near, own, drained.resolve)
    const expected: Buffer[] = []
    const say = (bytes: Buffer): void => void expected.push(bytes)
    for (let i = 0; i < 400; i += 1) {
      const text = `piece ${i}\n`
      out.text(text)
      say(Buffer.from(text))
      const body = Buffer.alloc([100, 6000, 40_000][i % 3]!, `${i % 10}`)
      say(body)
      if (i % 2 === 0) out.bytes(body, 0, body.length, true)
      else {
        body.copy(own.shared)
        out.bytes(own.shared, 0, body.length, false)
      }
      out.flush()
      own.shared.fill('x')
      own.scratch.fill('y')
    }
    expect(out.congested).toBe(true)
    expect(out.unflushed).toBe(true)
    const received = readAll(far)
    await drained.promise
    expect(out.congested).toBe(false)
    near.end()
    expect((await received).equals(Buffer.concat(expected))).toBe(true)
    expect(out.unflushed).toBe(false)
  })

  test('before there is a connection arrives first', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
    opened.push(near)
    const out = new Outbox(near, new Buffers(), () => undefined)
    const say = (text: string): void => {
      out.text(text)
      out.flush()
    }
    const received = once(server, 'connection').then(([far]) => readAll(far as Socket))
    say('first ')
    out.bytes(Buffer.alloc(10_000, '-'), 0, 10_000, true)
    expect(out.empty).toBe(false)
    await once(near, 'connect')
    say(' second ')
    await new Promise((resolve) => setTimeout(resolve, 50))
    say('third')
    expect(out.empty).toBe(true)
    near.end()
    server.close()
    expect((await received).toString()).toBe(`first ${'-'.repeat(10_000)} second third`)
  })

  test('still arrives when it waits and the socket is ended at once', async () => {
    const { near, far } = await pair()
    const out = new Outbox(near, new Buffers(), () => undefined)
    const text = 'z'.repeat(8 * 1024 * 1024)
    out.text(text)
    out.flush()
    near.destroySoon()
    expect((await readAll(far)).length).toBe(text.length)
  })

  test('is taken no more after a write has failed, also where the socket is read on', async () => {
    const { near, far } = await pair()
    const out = new Outbox(near, new Buffers(), () => undefined)
    const destroy = near.destroy.bind(near)
    const failed = Promise.withResolvers<void>()
    near.destroy = (error?: Error) => {
      if (error !== undefined && 'syscall' in error && error.syscall === 'write') failed.resolve()
      return near
    }
    far.resetAndDestroy()
    const timer = setInterval(() => {
      out.text('anybody?')
      out.flush()
    }, 5)
    await failed.promise
    clearInterval(timer)
    expect(out.congested).toBe(true)
    destroy()
  })

  test('to a peer that is gone closes the socket', async () => {
    const { near, far } = await pair()
    const out = new Outbox(near, new Buffers(), () => undefined)
    far.resetAndDestroy()
    const closed = new Promise((resolve) => near.once('close', resolve))
    const timer = setInterval(() => {
      out.text('anybody?')
      out.flush()
    }, 5)
    await closed
    clearInterval(timer)
    out.text('after the end')
    out.flush()
  })
})
