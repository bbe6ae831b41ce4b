import { afterAll, expect, test } from 'vitest'
import { hostOf, instance, paas, probe } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { startLoad } from '../support/load.ts'
import { eventually } from '../support/process.ts'

const app = appName('daily')
const laptop = await createLaptop('daily')
afterAll(() => laptop[Symbol.asyncDispose]())

/** One after the other, over and over: at least 50 in all. */
const changes: string[][] = [
  ['rollback'],
  ['scale', 'web=2'],
  ['config:set', 'GREETING=NUMBER'],
  ['ps:restart'],
  ['ps:restart', 'web.1'],
  ['scale', 'web=1'],
  ['config:unset', 'GREETING'],
]

/** Requests while all of it goes on. */
const wanted = 20_000

test(
  'no request fails through 50 rollbacks, scalings, config changes and restarts in a row',
  { timeout: 480_000 },
  async () => {
    const clone = await laptop.clone(app)
    await clone.deploy()
    await clone.deploy({ 'version.js': "export const version = 'second'\n" })
    await eventually('the app answers', 5000, () => probe(app))
    const load = startLoad({ port: instance.httpPort, host: hostOf(app), perSecond: 600, connections: 40 })
    const seconds = new Map<string, number[]>()
    for (let i = 0; i < 50 || load.sent() < wanted; i++) {
      const [verb, ...args] = changes[i % changes.length]!
      // Another value each time: a rollback brings an earlier one back, and the same again would be no change.
      const done = await paas([verb!, '-a', app, ...args.map((arg) => arg.replace('NUMBER', String(i)))])
      expect(done.code, done.output).toBe(0)
      seconds.set(verb!, [...(seconds.get(verb!) ?? []), done.seconds])
    }
    const report = await load.stop()
    console.log(report, medians(seconds))
    expect(report.failures).toEqual([])
    expect(report.sent).toBeGreaterThanOrEqual(wanted)
    // A connection that broke would have been replaced by another one.
    expect(report.connections).toBeLessThanOrEqual(40)
  },
)

const medians = (seconds: Map<string, number[]>): Record<string, string> =>
  Object.fromEntries(
    [...seconds].map(([verb, all]) => [
      verb,
      `${all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!.toFixed(2)} s`,
    ]),
  )
