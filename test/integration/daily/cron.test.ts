import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type App } from '../../../src/model/app.ts'
import { type CronEntry } from '../../../src/model/release.ts'
import { eventually } from '../../support/process.ts'
import { startRig, type Rig } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
}, 120_000)
afterAll(() => rig[Symbol.asyncDispose]())

const entry = (name: string, rest: Partial<CronEntry>): CronEntry => ({
  name,
  command: 'true',
  schedule: '0 0 1 1 *',
  timezone: 'UTC',
  overlap: 'allow',
  timeout: 60,
  missed: 'skip',
  ...rest,
})
type Row = { name: string; last: { process: string; exitCode?: number; finishedAt?: string } | null }
const row = async (app: string, name: string): Promise<Row> =>
  (await rig.json<Row[]>('cron', '-a', app)).find((one) => one.name === name)!
const running = async (app: string, name: string): Promise<number> =>
  (await rig.json<{ name: string }[]>('run:list', '-a', app)).filter((one) =>
    one.name.startsWith(`cron-${name}.`),
  ).length
const log = async (app: string): Promise<string> => (await rig.paas(['logs', '-a', app, '-n', '500'])).stdout

test('when a run has not ended the next one waits for its turn, joins it, or takes its place', async () => {
  const often = { schedule: '*/3 * * * * *', command: 'trap "exit 15" TERM; sleep 20 & wait' }
  await rig.app('overlap', {
    cron: (['allow', 'forbid', 'replace'] as const).map((overlap) => entry(overlap, { ...often, overlap })),
  })
  await eventually('several at once', 40_000, async () => (await running('overlap', 'allow')) >= 3)
  expect(await running('overlap', 'forbid')).toBe(1)
  expect(await running('overlap', 'replace')).toBeLessThanOrEqual(1)
  const text = await log('overlap')
  expect(text).toContain('cron-forbid was skipped: the run before has not ended')
  expect(text).toMatch(/cron-replace\.\d+ exited with code 15/)
  expect(text).not.toMatch(/cron-allow\.\d+ exited/)
  for (const name of ['allow', 'forbid', 'replace']) await rig.json('cron:pause', '-a', 'overlap', name)
  await rig.json('run:stop', '-a', 'overlap', '--all')
})

test('a run goes on while the controller is killed, and its end is recorded', async () => {
  await rig.app('adopted', {
    cron: [
      entry('long', { command: 'sleep 12; echo done; exit 4' }),
      entry('over', { command: 'sleep 3; exit 5' }),
    ],
  })
  await rig.json('cron:run', '-a', 'adopted', 'long')
  await rig.json('cron:run', '-a', 'adopted', 'over')
  const { last } = await row('adopted', 'long')
  const began = performance.now()
  await rig.restartController()
  expect(performance.now() - began).toBeLessThan(9000)
  await eventually(
    'the first has ended',
    30_000,
    async () => (await row('adopted', 'over')).last?.exitCode === 5,
  )
  await eventually('the other too', 30_000, async () => (await row('adopted', 'long')).last?.exitCode === 4)
  expect((await row('adopted', 'long')).last?.process).toBe(last!.process)
  expect((await rig.paas(['cron:logs', '-a', 'adopted', 'long'])).stdout).toMatch(/: done\n/)
  expect(await log('adopted')).toContain(`${last!.process} exited with code 4`)
})

test('what was due while nothing ran is made up for once, or skipped', async () => {
  const day = 86_400_000
  const past = new Date(Date.now() - 3 * day).toISOString()
  // Due at an hour that has been today, at least two minutes ago.
  const hour = new Date(Date.now() - 3_720_000).getUTCHours()
  const daily = { schedule: `0 ${hour} * * *`, command: 'echo made up' }
  const app: App = await rig.app('missed')
  await rig.json('apps:info', '-a', 'missed')
  const release = (await rig.store.releases.get(app.id, 1))!
  await rig.store.releases.save(app.id, {
    ...release,
    createdAt: past,
    image: {
      ...release.image,
      cron: [entry('run', { ...daily, missed: 'run' }), entry('skip', { ...daily, missed: 'skip' })],
    },
  })
  await rig.restartController()
  await eventually('it is made up for', 30_000, async () => (await row('missed', 'run')).last?.exitCode === 0)
  const first = (await row('missed', 'run')).last
  await rig.restartController()
  await sleep(12_000)
  expect((await row('missed', 'run')).last).toEqual(first)
  expect((await row('missed', 'skip')).last).toBeNull()
  expect((await log('missed')).match(/: made up$/gm)).toHaveLength(1)
})
