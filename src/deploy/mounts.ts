import { type App, type Mount } from '../model/app.ts'
import { type DeployContext } from './context.ts'
import { putLive } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/**
 * Changes what is mounted in an app's containers: all of them are replaced, through the same checks and switch as in
 * a deploy; when one is not healthy, all stays as it was. Before the first release it is just noted.
 */
export async function changeMounts(
  app: App,
  verb: string,
  change: (current: App) => Mount[],
  context: DeployContext,
): Promise<App> {
  return takeTurn(app, verb, context, async (current, turn) => {
    const changed = { ...current, mounts: change(current) }
    const release = await liveRelease(turn, current)
    if (release === undefined) {
      await turn.platform.store.apps.save(changed)
      return changed
    }
    return (await putLive({ app: changed, release }, turn, { fresh: true })).app
  })
}
