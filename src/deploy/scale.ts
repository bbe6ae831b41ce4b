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
    refuseUnknownTypes(Object.keys(change), release.image)
    return (await putLive({ app: scaled, release }, turn, { fresh: false })).app
  })
}
