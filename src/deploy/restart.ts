import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type DeployContext } from './context.ts'
import { putLive } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/**
 * Replaces every container of the live release by a new one, through the same check and switch as a deploy.
 * What had crashed too often is tried again. Throws NOT_FOUND before the first release.
 */
export async function restart(app: App, context: DeployContext): Promise<number> {
  return takeTurn(app, 'ps:restart', context, async (current, turn) => {
    const release = await liveRelease(turn, current)
    if (release === undefined) throw nothingRuns(current)
    turn.platform.crashes.forget(current.id)
    await putLive({ app: current, release }, turn, { fresh: true })
    return release.version
  })
}

export function nothingRuns(app: App): PaasError {
  return new PaasError('NOT_FOUND', `${app.name} has no release yet.`, { hint: 'git push paas main' })
}
