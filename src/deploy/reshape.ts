import { isDeepStrictEqual } from 'node:util'
import { type App } from '../model/app.ts'
import { type Image } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { refuseUnknownTypes } from './named-processes.ts'
import { rollOut } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/** Settings of an app that reach its containers. */
export type Shape = Partial<Pick<App, 'limits' | 'checks'>>

export type Reshaping = {
  verb: string
  description: string
  /** Process types that the release must have for this to mean anything, */
  types: string[]
  /** or that are known beside its own. */
  others?: (image: Image) => readonly string[]
  change: (current: App) => Shape
}

/** live: by this release. kept: for the first release. unchanged: it was so already. */
export type Reshaped = { outcome: 'live'; release: number } | { outcome: 'kept' | 'unchanged' }

/**
 * Changes settings that reach the containers, as one release: they are in force when it is live, and as before where
 * it fails. Before the first release they are just noted. Throws NOT_FOUND for a type that the release does not have.
 */
export async function reshape(
  app: App,
  { verb, description, types, others, change }: Reshaping,
  context: DeployContext,
): Promise<Reshaped> {
  return takeTurn(app, verb, context, async (current, turn) => {
    const live = await liveRelease(turn, current)
    const shape = change(current)
    if (live !== undefined) refuseUnknownTypes(types, live.image, others?.(live.image))
    if (isSame(current, shape)) return { outcome: 'unchanged' }
    if (live === undefined) {
      await turn.platform.store.apps.save({ ...current, ...shape })
      return { outcome: 'kept' }
    }
    const draft = {
      app: current,
      change: shape,
      image: live.image,
      config: await turn.platform.store.apps.config(current.id),
      description,
      ...(live.commit !== undefined && { commit: live.commit }),
    }
    return { outcome: 'live', release: (await rollOut(draft, turn)).release.version }
  })
}

const isSame = (current: Shape, { limits = current.limits, checks = current.checks }: Shape): boolean =>
  isDeepStrictEqual([current.limits ?? {}, current.checks ?? {}], [limits ?? {}, checks ?? {}])
