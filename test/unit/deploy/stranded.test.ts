import { expect, test } from 'vitest'
import { strandedSettings } from '../../../src/deploy/stranded.ts'
import { App } from '../../../src/model/app.ts'
import { imageOf } from './containers.ts'

const app = App.pick({ name: true, formation: true, limits: true, checks: true }).parse({
  name: 'blog',
  formation: { web: 2, wroker: 1, gone: 0 },
  limits: { web: {}, run: {}, release: {}, 'cron-tick': {}, 'cron-tock': {} },
  checks: { web: [], clock: [] },
})

test('what was set for process types that are not there is told with what takes it back', () => {
  expect(strandedSettings(app, imageOf('web', 'worker'))).toEqual([
    'There is no process type wroker to be scaled: paas scale -a blog wroker=0',
    'There is no process type cron-tick to be limited: paas ps:type -a blog cron-tick=default',
    'There is no process type cron-tock to be limited: paas ps:type -a blog cron-tock=default',
    'There is no process type clock to be checked: paas checks:set -a blog clock --default',
  ])
})

test('nothing is told where all of it is there', () => {
  const { name, formation } = app
  expect(strandedSettings({ name, formation }, imageOf('web', 'wroker'))).toEqual([])
})
