import { setTimeout as sleep } from 'node:timers/promises'
import { type LoadReport } from '../support/load.ts'
import { placesOf } from './canary.ts'
import { differences } from './leftovers.ts'
import { type Scene } from './scene.ts'
import { type KnownApp, lost, openState } from './state.ts'

/** Milliseconds after which nothing may be left of what was interrupted. */
const tidyWithin = 60_000

export type Verdict = {
  /** What was promised and is not so; a test expects none. */
  broken: string[]
  /** Milliseconds until the engine and the disk were what the state names, from `settle` on. */
  tidyMs: number
  requests: number
  failures: string[]
}

export type Watch = {
  /** What was acknowledged when the watch began. */
  before: KnownApp[]
  /**
   * Ends the load and asserts what holds after every fault:
   * I1 what was acknowledged is so still, but for the live release of apps that are said to have `changed`;
   * I2, I7 no request has failed, where that is promised (`failures: 'none'`, which is the default);
   * I3 exactly one release is live, whole, and all that is served is of it or was live before;
   * I4 within 60 s there is nothing in the engine and on the disk that the state does not name;
   * I5 no answer came from another app than the one that was asked;
   * I6 the canary is in no file, argument or image. `said` is what people were told: output of pushes and commands.
   */
  settle: (options?: { changed?: string[]; failures?: 'none' | 'some'; said?: string[] }) => Promise<Verdict>
}

/** Begins to watch: reads what is acknowledged, and asks both apps all the time. */
export async function watchOver(scene: Scene): Promise<Watch> {
  const state = await openState()
  const before = await state.known()
  // What others have left on the instance is none of this fault's.
  const already = new Set(await differences(before))
  const newDifferences = async (): Promise<string[]> =>
    (await differences(await state.known())).filter((one) => !already.has(one))
  const loads = scene.load()
  await sleep(300)

  return {
    before,
    async settle({ changed = [], failures = 'none', said = [] } = {}) {
      const began = performance.now()
      const left = await untilNone(tidyWithin, newDifferences)
      const tidyMs = Math.round(performance.now() - began)
      await sleep(300)
      const reports = await Promise.all(loads.map((load) => load.stop()))
      const failed = reports.flatMap((report) => report.failures)
      const after = await state.known()
      state[Symbol.dispose]()
      return {
        broken: [
          ...lost(before, after, changed),
          ...(failures === 'none' ? failed.slice(0, 5) : []),
          ...left,
          ...reports.flatMap(({ crossed }) => crossed),
          ...foreignVersions(scene, reports),
          ...(await placesOf(scene.canary)),
          ...said.filter((text) => text.includes(scene.canary)).map(() => 'the canary was said'),
        ],
        tidyMs,
        requests: reports.reduce((sum, { sent }) => sum + sent, 0),
        failures: failed,
      }
    },
  }
}

/** Waits until nothing is left of what came before; throws with what is after a minute and a half. */
export async function allIsWell(): Promise<void> {
  using state = await openState()
  const left = await untilNone(90_000, async () => differences(await state.known()))
  if (left.length > 0) throw new Error(left.join('\n'))
}

/** Every answer that says of which version it is must be of one of the app's own. */
function foreignVersions({ app, neighbour }: Scene, [own, other]: LoadReport[]): string[] {
  const foreign = (report: LoadReport | undefined, name: string): string[] =>
    [...(report?.versions.keys() ?? [])].filter((version) => !version.startsWith(`${name} `))
  return [...foreign(own, app), ...foreign(other, neighbour)].map(
    (version) => `"${version}" is of another app`,
  )
}

/** Looks until there is nothing to be found; resolves with what is still there after the limit. */
async function untilNone(limitMs: number, look: () => Promise<string[]>): Promise<string[]> {
  const deadline = performance.now() + limitMs
  for (;;) {
    // While the engine or Redis is away nothing can be said yet.
    const found = await look().catch((error: unknown) => [`cannot be looked at: ${String(error)}`])
    if (found.length === 0 || performance.now() > deadline) return found
    await sleep(100)
  }
}
