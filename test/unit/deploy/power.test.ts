import { expect, test } from 'vitest'
import { slotsOf } from '../../../src/deploy/formation.ts'
import { changedStops } from '../../../src/deploy/power.ts'
import { type Formation } from '../../../src/model/app.ts'
import { ProcessType } from '../../../src/model/names.ts'

const [web, worker] = ['web', 'worker'].map((type) => ProcessType.parse(type)) as [ProcessType, ProcessType]
const image = { processes: { [web]: {}, [worker]: {} } }
const formation: Formation = { [web]: 2, [worker]: 1 }

const running = (stopped: string[]): string[] =>
  slotsOf({ formation, stopped }, image).map(({ type, index }) => `${type}.${index}`)

test.each([
  [[], [], 'stop', ['web', 'worker'], []],
  [[], ['web'], 'stop', ['web'], ['worker.1']],
  [[], ['web.2'], 'stop', ['web.2'], ['web.1', 'worker.1']],
  [['web.2'], ['web.1'], 'stop', ['web'], ['worker.1']],
  [['web'], ['web.1'], 'start', ['web.2'], ['web.1', 'worker.1']],
  [['web', 'worker'], [], 'start', [], ['web.1', 'web.2', 'worker.1']],
] as const)('%j, %j %s: %j are stopped', (before, names, power, after, left) => {
  const stopped = changedStops({ formation, stopped: [...before] }, image, [...names], power)
  expect(stopped).toEqual(after)
  expect(running(stopped)).toEqual(left)
})
