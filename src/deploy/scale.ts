import { PaasError } from '../errors/paas-error.ts'
import { appQueue } from '../apps/queue.ts'
import { type App, type Formation } from '../model/app.ts'
import { type ProcessType } from '../model/names.ts'
import { type DeployContext } from './context.ts'
import { releaseTask } from './formation.ts'
import { putLive } from './roll-out.ts'

/**
 * Sets how many containers of some process types run. All new ones must be healthy before any is used;
 * if one is not, the formation stays as it was. Before the first release it is just noted.
 */
export async function scale(app: App, change: Formation, context: DeployContext): Promise<App> {
  const { platform, actor, signal, report } = context
  const onWait = (ahead: { owner: string; verb: string; since: Date }) =>
    report({ type: 'queue:waiting', ...ahead })
  return appQueue(platform, app, { owner: actor, verb: 'scale', signal, onWait }, async (current) => {
    const scaled = { ...current, formation: { ...current.formation, ...change } }
    if (current.currentRelease === undefined) {
      await platform.store.apps.save(scaled)
      return scaled
    }
    const release = await platform.store.releases.get(current.id, current.currentRelease)
    if (release === undefined)
      throw new PaasError('STATE_CORRUPT', `Release v${current.currentRelease} is missing.`)
    refuseUnknownTypes(Object.keys(change) as ProcessType[], Object.keys(release.image.processes))
    return (await putLive({ app: scaled, release }, context, { fresh: false })).app
  })
}

function refuseUnknownTypes(wanted: ProcessType[], known: string[]): void {
  const unknown = wanted.find((type) => !known.includes(type) || type === releaseTask)
  if (unknown === undefined) return
  throw new PaasError('NOT_FOUND', `The current release has no process type ${unknown}.`, {
    hint: `It has: ${known.filter((type) => type !== releaseTask).join(', ')}. Add the type to the Procfile and push.`,
  })
}
