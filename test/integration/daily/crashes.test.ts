import { afterAll, beforeAll, expect, test } from 'vitest'
import { Check } from '../../../src/model/check.ts'
import { ProcessType } from '../../../src/model/names.ts'
import { eventually } from '../../support/process.ts'
import { startRig, type Rig, webCommand } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
}, 120_000)
afterAll(() => rig[Symbol.asyncDispose]())

type Row = { name: string; state: string; restarts: number; givenUp: boolean; lastLines: string[] }

test(
  'what ends ten times in a row is crashed, with its last lines, until a restart',
  { timeout: 420_000 },
  async () => {
    const worker = ProcessType.parse('worker')
    await rig.app(
      'frail',
      {
        processes: {
          [ProcessType.parse('web')]: { command: webCommand },
          [worker]: { command: 'sleep 4; echo out of luck; exit 9' },
        },
        checks: { [worker]: [Check.parse({ uptime: 0.2 })] },
      },
      { worker: 1 },
    )
    const row = async (): Promise<Row> =>
      (await rig.json<Row[]>('ps', '-a', 'frail')).find(({ name }) => name === 'worker.1')!
    await eventually('it has crashed once', 30_000, async () =>
      (await rig.paas(['ps', '-a', 'frail'])).stdout.includes('restarted once'),
    )
    const began = performance.now()
    await eventually('it is given up', 400_000, async () => (await row()).givenUp)
    // 1, 2, 4, 8, 16, 32 and three times 60 seconds between ten failures, the first of which has been.
    expect((performance.now() - began) / 1000).toBeGreaterThan(200)
    expect(await row()).toMatchObject({ state: 'crashed', restarts: 10 })
    expect((await row()).lastLines.at(-1)).toBe('out of luck')
    const { stdout } = await rig.paas(['ps', '-a', 'frail'])
    expect(stdout).toMatch(/worker\.1 +crashed[^\n]*restarted 10 times +exit code 9, given up until/)
    expect(stdout).toMatch(/last output of worker\.1:\n(?: {4}out of luck\n)+/)
    expect((await rig.json<Row[]>('ps', '-a', 'frail')).find(({ name }) => name === 'web.1')!.state).toBe(
      'up',
    )

    await rig.json('ps:restart', '-a', 'frail', 'worker')
    await eventually('it is tried again', 20_000, async () => {
      const { givenUp, restarts } = await row()
      return !givenUp && restarts > 0
    })
  },
)
