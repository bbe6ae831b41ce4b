import { messageOf } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { globalScope } from '../model/release.ts'
import { applyChange, type ConfigChange, refuseBadValue, refuseTooMuch } from './config.ts'
import { type DeployContext } from './context.ts'
import { rollOut } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/** What became of one app: the release that carries the change, or why there is none. */
export type AppOutcome = { app: string; release: number | null; reason: string | null }

/**
 * Changes config that every app has, and then, unless it is to wait for their next releases, makes a release of each
 * app that is live, one after the other. An app that does not come up keeps its old release.
 */
export async function changeGlobalConfig(
  change: ConfigChange,
  context: DeployContext,
  options: { restart: boolean },
): Promise<AppOutcome[]> {
  const { platform, actor } = context
  const { apps, globalConfig, secrets } = platform.store
  const names = Object.keys(change).sort()
  for (const name of names) refuseBadValue(name, change[name])
  await platform.queues.run('global-config', { owner: actor, verb: 'config:set --global' }, async () => {
    const config = applyChange(await globalConfig.get(), change, globalScope, secrets)
    refuseTooMuch(secrets.openAll(globalScope, config))
    await globalConfig.save(config)
  })
  if (!options.restart) return []
  const outcomes: AppOutcome[] = []
  for (const app of await apps.list()) {
    if (app.currentRelease === undefined) continue
    outcomes.push(await releaseWith(app, names, context))
  }
  return outcomes
}

async function releaseWith(app: App, names: string[], context: DeployContext): Promise<AppOutcome> {
  try {
    const version = await takeTurn(app, 'config:set --global', context, async (current, turn) => {
      const live = await liveRelease(turn, current)
      if (live === undefined) return null
      const draft = {
        app: current,
        image: live.image,
        config: await turn.platform.store.apps.config(current.id),
        description: `Changed ${names.join(', ')} of all apps`,
        ...(live.commit !== undefined && { commit: live.commit }),
      }
      return (await rollOut(draft, turn)).release.version
    })
    return { app: app.name, release: version, reason: null }
  } catch (error) {
    context.signal.throwIfAborted()
    return { app: app.name, release: null, reason: messageOf(error) }
  }
}
