import { PaasError } from '../errors/paas-error.ts'
import { type App, type Formation } from '../model/app.ts'
import { type DeployContext } from './context.ts'
import { releaseTask } from './formation.ts'
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
    refuseUnknownTypes(Object.keys(change), Object.keys(release.image.processes))
    return (await putLive({ app: scaled, release }, turn, { fresh: false })).app
  })
}

function refuseUnknownTypes(wanted: string[], known: string[]): void {
  const unknown = wanted.find((type) => !known.includes(type) || type === releaseTask)
  if (unknown === undefined) return
  throw new PaasError('NOT_FOUND', `The current release has no process type ${unknown}.`, {
    hint: `It has: ${known.filter((type) => type !== releaseTask).join(', ')}. Add the type to the Procfile and push.`,
  })
}
