import { type App, type Formation } from '../model/app.ts'
import { type DeployContext } from './context.ts'
import { refuseUnknownTypes } from './named-processes.ts'
import { putLive } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/**
 * Sets how many containers of some process types run. All new ones must be healthy before any is used;
 * if one is not, the formation stays as it was. Before the first release it is just noted.
 */
export async function scale(app: App, change: Formation, context: DeployContext): Promise<App> {
  return takeTurn(app, 'scale', context, async (current, turn) => {
    const scaled = { ...current, formation: { ...current.formation, ...change } }
    const release = await liveRelease(turn, current)
    if (release === undefined) {
      await turn.platform.store.apps.save(scaled)
      return scaled
    }
    const { processes } = release.image
    const isGone = ([type, quantity]: [string, number]): boolean =>
      quantity === 0 && !Object.hasOwn(processes, type) && Object.hasOwn(current.formation, type)
    const named = Object.entries(change).filter((entry) => !isGone(entry))
    refuseUnknownTypes(
      named.map(([type]) => type),
      release.image,
    )
    // What the Procfile does not have any more is forgotten where it is scaled to 0.
    const formation = Object.fromEntries(Object.entries(scaled.formation).filter((entry) => !isGone(entry)))
    const app = { ...scaled, formation }
    return (await putLive({ app, release }, turn, { fresh: false })).app
  })
}
