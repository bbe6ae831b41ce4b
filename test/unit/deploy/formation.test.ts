import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formationOf, planContainers, quantityOf, sameSlot, slotsOf } from '../../../src/deploy/formation.ts'
import { Formation } from '../../../src/model/app.ts'
import { ProcessType } from '../../../src/model/names.ts'
import { type Container, type Slot } from '../../../src/schedulers/scheduler.ts'
import { container, exited, imageOf, names } from './containers.ts'

const type = (name: string): ProcessType => ProcessType.parse(name)

describe('what a formation means', () => {
  test.each<[string, Formation, string, number]>([
    ['web runs once unless it was scaled', {}, 'web', 1],
    ['others do not run unless they were scaled', {}, 'worker', 0],
    ['what was set counts', Formation.parse({ web: 3 }), 'web', 3],
    ['web may be 0', Formation.parse({ web: 0 }), 'web', 0],
    ['a name that every object seems to have is none', {}, 'constructor', 0],
  ])('%s', (_what, formation, name, wanted) => {
    expect(quantityOf(formation, type(name))).toBe(wanted)
  })

  test('slots come web first, then by name and index, and never for the release task', () => {
    const image = imageOf('worker', 'release', 'web', 'clock')
    const formation = Formation.parse({ web: 2, worker: 1, clock: 1, release: 5 })
    expect(names(slotsOf({ formation }, image))).toEqual(['web.1', 'web.2', 'clock.1', 'worker.1'])
  })

  test('a type that the image lacks has no slot, and is listed all the same', () => {
    const app = { formation: { worker: 2 } }
    expect(names(slotsOf(app, imageOf('web')))).toEqual(['web.1'])
    expect(formationOf(app, imageOf('web'))).toEqual({ web: 1, worker: 2 })
    expect(formationOf(app, undefined)).toEqual({ worker: 2 })
  })

  test('what is stopped has no slot', () => {
    const app = { formation: { web: 3, worker: 2 }, stopped: ['worker', 'web.2'] }
    expect(names(slotsOf(app, imageOf('web', 'worker')))).toEqual(['web.1', 'web.3'])
  })
})

describe('the containers of a plan', () => {
  const wanted: Slot[] = [
    { type: type('web'), index: 1 },
    { type: type('web'), index: 2 },
  ]

  test('nothing runs: all are created', () => {
    const plan = planContainers(wanted, 1, [], { fresh: false })
    expect([plan.keep, names(plan.create), plan.retire]).toEqual([[], ['web.1', 'web.2'], []])
  })

  test('what runs is kept, what is missing created, what is over retired', () => {
    const [one, three] = [container('web.1'), container('web.3')]
    const plan = planContainers(wanted, 1, [one, three], { fresh: false })
    expect([plan.keep, names(plan.create), plan.retire]).toEqual([[one], ['web.2'], [three]])
  })

  test('another release keeps nothing', () => {
    const old = [container('web.1'), container('web.2')]
    expect(planContainers(wanted, 2, old, { fresh: false })).toEqual({
      keep: [],
      create: wanted,
      retire: old,
    })
  })

  test('an exited container is not kept', () => {
    const dead = exited('web.1')
    expect(planContainers(wanted, 1, [dead], { fresh: false })).toEqual({
      keep: [],
      create: wanted,
      retire: [dead],
    })
  })

  test('of two in one place the newest is kept', () => {
    const [older, newer] = [container('web.1', { minutes: 1 }), container('web.1', { minutes: 2 })]
    const plan = planContainers(wanted, 1, [older, newer], { fresh: false })
    expect([plan.keep, plan.retire]).toEqual([[newer], [older]])
  })

  test('a restart keeps none, or only those that it is not about', () => {
    const [one, two] = [container('web.1'), container('web.2')]
    expect(planContainers(wanted, 1, [one, two], { fresh: true }).keep).toEqual([])
    expect(planContainers(wanted, 1, [one, two], { fresh: ({ index }) => index === 1 })).toEqual({
      keep: [two],
      create: [wanted[0]],
      retire: [one],
    })
  })

  test('one-offs are neither kept nor retired', () => {
    const oneOff = container('web.1', { oneOff: true })
    expect(planContainers(wanted, 1, [oneOff], { fresh: false })).toEqual({
      keep: [],
      create: wanted,
      retire: [],
    })
  })

  const slots = fc
    .dictionary(fc.constantFrom('web', 'worker', 'clock'), fc.integer({ min: 0, max: 4 }))
    .map((formation) => slotsOf({ formation }, imageOf('web', 'worker', 'clock')))
  const containers = fc.array(
    fc
      .record({
        name: fc.tuple(fc.constantFrom('web', 'worker', 'clock', 'gone'), fc.integer({ min: 1, max: 5 })),
        release: fc.integer({ min: 1, max: 3 }),
        running: fc.boolean(),
        oneOff: fc.boolean(),
        minutes: fc.integer({ min: 0, max: 59 }),
      })
      .map(({ name, ...facts }): Container => container(name.join('.'), facts)),
    { maxLength: 12 },
  )

  test('property: after a plan exactly the wanted slots run, each once, and all else is retired', () => {
    fc.assert(
      fc.property(
        slots,
        containers,
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (wants, actual, release, fresh) => {
          const { keep, create, retire } = planContainers(wants, release, actual, { fresh })
          const filled = [...keep.map(({ slot }) => slot), ...create]
          expect(filled).toHaveLength(wants.length)
          for (const slot of wants) expect(filled.filter((other) => sameSlot(other, slot))).toHaveLength(1)
          for (const kept of keep) expect(kept).toMatchObject({ running: true, release, oneOff: false })
          const ours = actual.filter(({ oneOff }) => !oneOff)
          expect([...keep, ...retire].map(({ id }) => id).sort()).toEqual(ours.map(({ id }) => id).sort())
        },
      ),
    )
  })
})
