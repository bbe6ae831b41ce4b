import { describe, expect, test } from 'vitest'
import { processesOf } from '../../../src/deploy/processes.ts'
import { type Container } from '../../../src/schedulers/scheduler.ts'
import { container, exited, imageOf } from './containers.ts'

const live = { version: 2, image: imageOf('web', 'worker') }
const app = { formation: { web: 1, worker: 1 } }

/** `web.1 up`, in the order in which they are listed. */
function states(
  containers: Container[],
  routed: Container[],
  of = app,
  at: typeof live | null = live,
): string[] {
  const addresses = new Set(routed.map(({ address }) => address!))
  return processesOf(of, { live: at ?? undefined, containers, routed: addresses }).map(
    ({ type, index, state, oneOff }) => `${type}.${index} ${state}${oneOff ? ' (one-off)' : ''}`,
  )
}

describe('the state of processes', () => {
  const web = container('web.1', { release: 2 })
  const worker = container('worker.1', { release: 2 })

  test('all is well', () => expect(states([worker, web], [web])).toEqual(['web.1 up', 'worker.1 up']))

  test('a web container without traffic is starting', () =>
    expect(states([web, worker], [])).toEqual(['web.1 starting', 'worker.1 up']))

  test('one of a newer release is starting, one of an older is stopping', () => {
    const [newer, older] = [
      container('web.1', { release: 3, minutes: 5 }),
      container('web.1', { release: 1 }),
    ]
    expect(states([newer, web, worker], [web])).toEqual(['web.1 up', 'web.1 starting', 'worker.1 up'])
    expect(states([older, container('web.1', { release: 2, minutes: 5 }), worker], [])).toEqual([
      'web.1 stopping',
      'web.1 starting',
      'worker.1 up',
    ])
  })

  test('of two of a restart the older is stopping', () => {
    const next = container('web.1', { release: 2, minutes: 9 })
    expect(states([web, next, worker], [next])).toEqual(['web.1 stopping', 'web.1 up', 'worker.1 up'])
  })

  test('what ps:stop has stopped is stopped, a place or a whole type', () => {
    const two = { formation: { web: 2, worker: 1 }, stopped: ['web.2', 'worker'] }
    expect(states([web], [web], two)).toEqual(['web.1 up', 'web.2 stopped', 'worker.1 stopped'])
  })

  test('one that is scaled away is stopping', () =>
    expect(states([web, worker], [web], { formation: { web: 1, worker: 0 } })).toEqual([
      'web.1 up',
      'worker.1 stopping',
    ]))

  test('one that has ended is crashed, with its exit; one that is replaced is of no interest', () => {
    const dead = exited('worker.1', { release: 2, exit: { code: 137, oomKilled: true } })
    expect(states([web, dead], [web])).toEqual(['web.1 up', 'worker.1 crashed'])
    expect(states([web, dead, worker], [web])).toEqual(['web.1 up', 'worker.1 up'])
    const [, crashed] = processesOf(app, { live, containers: [web, dead], routed: new Set([web.address!]) })
    expect(crashed).toMatchObject({ exit: { code: 137, oomKilled: true }, since: dead.finishedAt })
  })

  test('what should run and is not there is down', () =>
    expect(states([], [])).toEqual(['web.1 down', 'worker.1 down']))

  test('before the first release all that runs is starting', () =>
    expect(states([container('web.1')], [], app, null)).toEqual(['web.1 starting']))

  test('one-offs come last, while they run', () => {
    const [task, done] = [container('release.1', { oneOff: true }), exited('run.1', { oneOff: true })]
    expect(states([task, done, web, worker], [web])).toEqual([
      'web.1 up',
      'worker.1 up',
      'release.1 up (one-off)',
    ])
  })
})
