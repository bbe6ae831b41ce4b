import { type App } from '../model/app.ts'
import { type Image } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { slotsOf } from './formation.ts'
import { nothingRuns, refuseUnknown } from './named-processes.ts'
import { putLive } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/**
 * Stops or starts processes of an app's formation: types (`web`), places (`web.2`), or all where none are named. The
 * formation stays as it is; what is stopped stays so through releases and reboots. Throws NOT_FOUND for a name that
 * the formation does not have.
 */
export async function setPower(
  app: App,
  names: string[],
  power: 'stop' | 'start',
  context: DeployContext,
): Promise<string[]> {
  return takeTurn(app, `ps:${power}`, context, async (current, turn) => {
    const release = await liveRelease(turn, current)
    if (release === undefined) throw nothingRuns(current)
    refuseUnknown(names, current, release.image)
    const stopped = changedStops(current, release.image, names, power)
    if (power === 'start') turn.platform.crashes.forget(current.id)
    const changed = { ...current, stopped }
    await putLive({ app: changed, release }, turn, { fresh: false })
    return stopped
  })
}

/** Pure. The names that are stopped afterwards: a whole type by its name, where all of its places are. */
export function changedStops(
  app: Pick<App, 'formation' | 'stopped'>,
  image: Pick<Image, 'processes'>,
  names: string[],
  power: 'stop' | 'start',
): string[] {
  const all = slotsOf({ formation: app.formation }, image)
  const places = all.map(({ type, index }) => ({ type, place: `${type}.${index}` }))
  const named = ({ type, place }: { type: string; place: string }): boolean =>
    names.length === 0 || names.includes(type) || names.includes(place)
  const wasStopped = ({ type, place }: { type: string; place: string }): boolean =>
    app.stopped?.some((name) => name === type || name === place) === true
  const stopped = places.filter((one) => (named(one) ? power === 'stop' : wasStopped(one)))
  const types = [...new Set(places.map(({ type }) => type))]
  return types.flatMap((type) => {
    const own = stopped.filter((one) => one.type === type).map(({ place }) => place)
    return own.length > 0 && own.length === places.filter((one) => one.type === type).length ? [type] : own
  })
}
