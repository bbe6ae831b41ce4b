import { type App } from '../model/app.ts'
import { type DeployContext } from './context.ts'
import { nothingRuns, refuseUnknown } from './named-processes.ts'
import { putLive } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/**
 * Replaces containers of the live release by new ones, through the same check and switch as a deploy: those of the
 * named types (`web`) and places (`web.2`), or all. What had crashed too often is tried again. Throws NOT_FOUND
 * before the first release and for an unknown name.
 */
export async function restart(app: App, names: string[], context: DeployContext): Promise<number> {
  return takeTurn(app, 'ps:restart', context, async (current, turn) => {
    const release = await liveRelease(turn, current)
    if (release === undefined) throw nothingRuns(current)
    refuseUnknown(names, current, release.image)
    turn.platform.crashes.forget(current.id)
    const isNamed = ({ type, index }: { type: string; index: number }): boolean =>
      names.length === 0 || names.includes(type) || names.includes(`${type}.${index}`)
    await putLive({ app: current, release }, turn, { fresh: isNamed })
    return release.version
  })
}
