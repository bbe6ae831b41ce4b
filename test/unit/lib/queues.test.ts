import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createQueues, type Holder } from '../../../src/lib/queues.ts'

const now = () => new Date('2026-11-20T12:00:00Z')
const who = (owner: string, rest: { signal?: AbortSignal; onWait?: (ahead: Holder) => void } = {}) => ({
  owner,
  verb: 'push',
  ...rest,
})

describe('a queue', () => {
  test('runs one task at a time, in the order asked', async () => {
    const queues = createQueues(now)
    const log: string[] = []
    const task = (name: string, ms: number) => async () => {
      log.push(`${name} begins`)
      await sleep(ms)
      log.push(`${name} ends`)
    }
    await Promise.all([
      queues.run('blog', who('a'), task('a', 10)),
      queues.run('blog', who('b'), task('b', 1)),
      queues.run('blog', who('c'), task('c', 0)),
    ])
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
    expect(queues.current('blog')).toBeUndefined()
  })

  test('of another name does not wait', async () => {
    const queues = createQueues(now)
    const gate = Promise.withResolvers<void>()
    const held = queues.run('blog', who('a'), () => gate.promise)
    expect(await queues.run('shop', who('b'), async () => 'done')).toBe('done')
    gate.resolve()
    await held
  })

  test('tells the second one who is ahead, and nobody who does not wait', async () => {
    const queues = createQueues(now)
    const gate = Promise.withResolvers<void>()
    const heard: string[] = []
    const onWait = ({ owner, verb, since }: Holder) => heard.push(`${owner} ${verb} ${since.toISOString()}`)
    const first = queues.run('blog', who('alice', { onWait }), () => gate.promise)
    const second = queues.run('blog', who('bob', { onWait }), async () => undefined)
    expect(queues.current('blog')).toMatchObject({ owner: 'alice' })
    gate.resolve()
    await Promise.all([first, second])
    expect(heard).toEqual(['alice push 2026-11-20T12:00:00.000Z'])
  })

  test('goes on after a task that fails', async () => {
    const queues = createQueues(now)
    const failing = queues.run('blog', who('a'), async () => {
      throw new Error('no')
    })
    const next = queues.run('blog', who('b'), async () => 'fine')
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('fine')
  })

  test('is left by one that is aborted while it waits; the next still waits for the first', async () => {
    const queues = createQueues(now)
    const gate = Promise.withResolvers<void>()
    const abort = new AbortController()
    const log: string[] = []
    const first = queues.run('blog', who('a'), () => gate.promise)
    const second = queues.run('blog', who('b', { signal: abort.signal }), async () => void log.push('b'))
    const third = queues.run('blog', who('c'), async () => void log.push('c'))
    abort.abort(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    await sleep(5)
    expect(log).toEqual([])
    gate.resolve()
    await Promise.all([first, third])
    expect(log).toEqual(['c'])
  })

  test('does not start a task that was aborted before', async () => {
    const queues = createQueues(now)
    const task = queues.run(
      'blog',
      who('a', { signal: AbortSignal.abort(new Error('gone')) }),
      async () => 'ran',
    )
    await expect(task).rejects.toThrow('gone')
    expect(queues.current('blog')).toBeUndefined()
  })

  test('property: whatever waits, fails and is aborted, never two at once, in order, and empty in the end', async () => {
    const job = fc.record({
      queue: fc.constantFrom('blog', 'shop'),
      ticks: fc.integer({ min: 0, max: 3 }),
      fails: fc.boolean(),
      abortAfter: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 8 }), async (jobs) => {
        const queues = createQueues(now)
        const inside: Record<string, number> = {}
        const ran: Record<string, number[]> = {}
        await Promise.allSettled(
          jobs.map(({ queue, ticks, fails, abortAfter }, i) => {
            const abort = new AbortController()
            if (abortAfter !== undefined) void tick(abortAfter).then(() => abort.abort(new Error('gone')))
            return queues.run(queue, who(String(i), { signal: abort.signal }), async () => {
              inside[queue] = (inside[queue] ?? 0) + 1
              expect(inside[queue]).toBe(1)
              ;(ran[queue] ??= []).push(i)
              await tick(ticks)
              inside[queue]--
              if (fails) throw new Error('no')
            })
          }),
        )
        for (const order of Object.values(ran)) expect(order).toEqual(order.toSorted((a, b) => a - b))
        await tick(1)
        expect([queues.current('blog'), queues.current('shop')]).toEqual([undefined, undefined])
      }),
      { numRuns: 100 },
    )
  })
})

async function tick(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await new Promise((resolve) => setImmediate(resolve))
}
