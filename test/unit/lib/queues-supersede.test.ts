import { expect, test } from 'vitest'
import { createQueues } from '../../../src/lib/queues.ts'

test('the newest of those that wait takes the place of the others; what runs goes on', async () => {
  const queues = createQueues(() => new Date())
  const supersedes = (by: { owner: string }): Error => new Error(`superseded by ${by.owner}`)
  const gate = Promise.withResolvers<void>()
  const ran: string[] = []
  const push = (owner: string): Promise<void> =>
    queues.run('push', { owner, verb: 'push', supersedes }, async () => {
      ran.push(owner)
      await gate.promise
    })
  const first = push('ann')
  const other = queues.run('push', { owner: 'paas', verb: 'other' }, async () => void ran.push('other'))
  const second = push('bob')
  const third = push('cid')
  await expect(second).rejects.toThrow('superseded by cid')
  gate.resolve()
  await Promise.all([first, other, third])
  expect(ran).toEqual(['ann', 'other', 'cid'])
})
