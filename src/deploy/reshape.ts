import { type App } from '../model/app.ts'
import { type DeployContext } from './context.ts'
import { rollOut } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/** Settings of an app that reach its containers. */
export type Shape = Partial<Pick<App, 'limits' | 'checks'>>

/**
 * Changes settings that reach the containers, as one release: they are in force when it is live, and as before where
 * it fails. Before the first release they are just noted. Resolves to the release that carries them.
 */
export async function reshape(
  app: App,
  { verb, description, change }: { verb: string; description: string; change: (current: App) => Shape },
  context: DeployContext,
): Promise<number | undefined> {
  return takeTurn(app, verb, context, async (current, turn) => {
    const live = await liveRelease(turn, current)
    const shape = change(current)
    if (live === undefined) {
      await turn.platform.store.apps.save({ ...current, ...shape })
      return undefined
    }
    const draft = {
      app: current,
      change: shape,
      image: live.image,
      config: await turn.platform.store.apps.config(current.id),
      description,
      ...(live.commit !== undefined && { commit: live.commit }),
    }
    return (await rollOut(draft, turn)).release.version
  })
}
