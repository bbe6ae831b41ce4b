import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type App } from '../../../src/model/app.ts'
import { AppId, AppName, ProcessType } from '../../../src/model/names.ts'
import { type Release } from '../../../src/model/release.ts'
import { type Actual, planSteps, type Step } from '../../../src/reconcile/plan.ts'
import { type Container } from '../../../src/schedulers/scheduler.ts'

const web = ProcessType.parse('web')
const worker = ProcessType.parse('worker')
const port = 5000
const now = new Date(0)
const app: App = {
  id: AppId.parse('a000000000000000'),
  name: AppName.parse('blog'),
  createdAt: '2026-01-01T00:00:00.000Z',
  formation: { [web]: 2, [worker]: 1 },
  domains: [],
  currentRelease: 2,
  lastRelease: 2,
}
const release: Release = {
  version: 2,
  createdAt: '2026-01-01T00:00:00.000Z',
  createdBy: 'root',
  description: 'Deploy',
  image: {
    id: 'sha256:1',
    tag: 'paas/a:b',
    builder: 'node',
    processes: { [web]: {}, [worker]: { command: 'work' } },
    checks: {},
    port,
  },
  config: {},
  status: 'active',
}

let serial = 0
function container(facts: Partial<Container> & { type?: ProcessType; index?: number }): Container {
  const running = facts.running ?? true
  serial++
  return {
    id: `c${serial}`,
    name: `c${serial}`,
    appId: app.id,
    release: 2,
    slot: { type: facts.type ?? web, index: facts.index ?? 1 },
    oneOff: false,
    attached: false,
    command: undefined,
    running,
    address: running ? `10.0.0.${serial % 250}` : undefined,
    createdAt: new Date(serial),
    startedAt: new Date(serial),
    finishedAt: running ? undefined : new Date(serial),
    exit: running ? undefined : { code: 1, oomKilled: false },
    image: 'sha256:1',
    pid: running ? serial : undefined,
    ...facts,
  }
}

const urlOf = ({ address }: Container): string => `http://${address ?? ''}:${port}`

/** What the executors do, without an engine: every start and every check succeeds. */
function apply(steps: Step[], actual: Actual): Actual {
  let containers = [...actual.containers]
  let { backends } = actual
  const failed = new Set<Release>()
  for (const step of steps) {
    if (step.do === 'settle') failed.add(step.release)
    if (step.do === 'fill') {
      containers = containers.filter((one) => one !== step.exited)
      containers.push(container({ type: step.slot.type, index: step.slot.index }))
    }
    if (step.do === 'retire') containers = containers.filter((one) => one !== step.container)
  }
  if (steps.some((step) => step.do === 'route')) {
    backends = containers
      .filter((one) => one.running && !one.oneOff && one.release === 2 && one.slot.type === web)
      .map(urlOf)
  }
  return { containers, backends, pending: actual.pending.filter((one) => !failed.has(one)), now }
}

const desired = { app, release, port }
const complete = (): Container[] => [
  container({ index: 1 }),
  container({ index: 2 }),
  container({ type: worker }),
]

describe('planSteps', () => {
  it('asks for nothing where all is well', () => {
    const containers = complete()
    const backends = containers.filter(({ slot }) => slot.type === web).map(urlOf)
    expect(planSteps(desired, { containers, backends, pending: [], now })).toEqual([])
  })

  it('starts the exited container of a slot again and routes to it', () => {
    const [first, second, third] = complete()
    const dead = container({ index: 1, running: false })
    const steps = planSteps(desired, {
      containers: [dead, second!, third!],
      backends: [urlOf(first!), urlOf(second!)],
      pending: [],
      now,
    })
    expect(steps).toEqual([{ do: 'fill', slot: { type: web, index: 1 }, exited: dead }, { do: 'route' }])
  })

  it('checks a container that runs without traffic before it gets some', () => {
    const containers = complete()
    const steps = planSteps(desired, { containers, backends: [urlOf(containers[0]!)], pending: [], now })
    expect(steps).toEqual([{ do: 'admit', container: containers[1] }, { do: 'route' }])
  })

  it('retires what other releases left and finished one-offs, never running one-offs', () => {
    const containers = complete()
    const backends = containers.slice(0, 2).map(urlOf)
    const old = container({ release: 1 })
    const done = container({ oneOff: true, running: false })
    const busy = container({ oneOff: true })
    const steps = planSteps(desired, {
      containers: [...containers, old, done, busy],
      backends,
      pending: [],
      now,
    })
    expect(steps).toEqual([
      { do: 'retire', container: old },
      { do: 'retire', container: done },
    ])
  })

  it('retires a one-off that was made and never started, once nobody can be about to start it', () => {
    const containers = complete()
    const backends = containers.slice(0, 2).map(urlOf)
    const made = container({ oneOff: true, running: false, exit: undefined, createdAt: new Date(1000) })
    const stepsAt = (ms: number): Step[] =>
      planSteps(desired, { containers: [...containers, made], backends, pending: [], now: new Date(ms) })
    expect(stepsAt(61_000)).toEqual([])
    expect(stepsAt(61_001)).toEqual([{ do: 'retire', container: made }])
  })

  it('retires the release task of a deploy that died: nobody deploys while this is planned', () => {
    const containers = complete()
    const backends = containers.slice(0, 2).map(urlOf)
    const task = container({ oneOff: true, type: ProcessType.parse('release') })
    const steps = planSteps(desired, { containers: [...containers, task], backends, pending: [], now })
    expect(steps).toEqual([{ do: 'retire', container: task }])
  })

  it('fails the release that a deploy left pending, but not the current one', () => {
    const containers = complete()
    const backends = containers.slice(0, 2).map(urlOf)
    const left = { ...release, version: 3, status: 'pending' as const }
    const steps = planSteps(desired, {
      containers,
      backends,
      pending: [left, { ...release, status: 'pending' }],
      now,
    })
    expect(steps).toEqual([{ do: 'settle', release: left }])
  })

  it('leads from any state to the wanted one in one round, and keeps running one-offs', () => {
    const anyContainer = fc
      .record({
        type: fc.constantFrom(web, worker),
        index: fc.integer({ min: 1, max: 4 }),
        release: fc.integer({ min: 1, max: 3 }),
        running: fc.boolean(),
        oneOff: fc.boolean(),
      })
      .map(container)
    const anyActual = fc
      .tuple(
        fc.array(anyContainer, { maxLength: 10 }),
        fc.array(fc.integer({ min: 0, max: 9 })),
        fc.boolean(),
      )
      .map(([containers, routed, missing]): Actual => ({
        containers,
        backends: missing
          ? undefined
          : routed.map((i) => (containers[i] ? urlOf(containers[i]) : 'http://10.9.9.9:1')),
        pending: [{ ...release, version: 3, status: 'pending' }],
        now,
      }))
    fc.assert(
      fc.property(anyActual, (actual) => {
        const after = apply(planSteps(desired, actual), actual)
        expect(planSteps(desired, after)).toEqual([])
        const busy = (state: Actual) => state.containers.filter((one) => one.oneOff && one.running)
        expect(busy(after)).toEqual(busy(actual))
      }),
    )
  })

  it('wants nothing of an app without a release', () => {
    const stray = container({ release: 1 })
    const steps = planSteps(
      { app: { ...app, currentRelease: undefined }, release: undefined, port: 0 },
      { containers: [stray], backends: undefined, pending: [], now },
    )
    expect(steps).toEqual([{ do: 'retire', container: stray }])
  })
})
