import { afterAll, expect, test } from 'vitest'
import { containersOf } from '../support/docker.ts'
import { hostOf, instance, paas, probe } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { startLoad } from '../support/load.ts'
import { eventually } from '../support/process.ts'

const app = appName('load')
const wanted = 20_000
const laptop = await createLaptop('load')
afterAll(() => laptop[Symbol.asyncDispose]())

async function must(...args: string[]): Promise<void> {
  const { code, output } = await paas([...args, '-a', app])
  expect(output).not.toContain(' !  ')
  expect(code).toBe(0)
}

test(
  'no request fails while an app is pushed, scaled, configured and restarted',
  { timeout: 240_000 },
  async () => {
    const clone = await laptop.clone(app)
    await clone.deploy()
    await eventually('the app answers', 5000, () => probe(app))
    const load = startLoad({ port: instance.httpPort, host: hostOf(app), perSecond: 600, connections: 40 })
    const pushed = async (version: string): Promise<void> => {
      await clone.deploy({ 'version.js': `export const version = '${version}'\n` })
      expect((await probe(app)).version).toBe(version)
    }

    for (let round = 1; round === 1 || load.sent() < wanted; round++) {
      await pushed(`${round}a`)
      await must('scale', 'web=3')
      // What the push replaced may still be on its way out.
      await eventually(
        'three containers are left',
        35_000,
        async () => (await containersOf(app)).length === 3,
      )
      await pushed(`${round}b`)
      await must('config:set', `GREETING=round ${round}`)
      await must('scale', 'web=1')
      await pushed(`${round}c`)
      // Long enough for what was retired to have had its last requests, which are part of what is shown.
      await eventually('one container is left', 35_000, async () => (await containersOf(app)).length === 1)
    }

    const report = await load.stop()
    console.log(report)
    expect(report.failures).toEqual([])
    expect(report.sent).toBeGreaterThanOrEqual(wanted)
    // A connection that was reset or closed would have been made again.
    expect(report.connections).toBe(40)
    expect(report.versions.size).toBeGreaterThanOrEqual(4)
  },
)
