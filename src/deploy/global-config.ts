import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { globalScope } from '../model/release.ts'
import { applyChange, type ConfigChange, refuseBadValue, refuseTooMuch } from './config.ts'
import { type DeployContext } from './context.ts'
import { rollOut } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/** What became of a change: whether there was anything to change, and of each app that got a release of it. */
export type GlobalResult = { changed: boolean; apps: AppOutcome[] }

/** What became of one app: the release that carries the change, or why there is none. */
export type AppOutcome = { app: string; release: number | null; reason: string | null }

/**
 * Changes config that every app has, and then, unless it is to wait for their next releases, makes a release of each
 * app that is live without it, one after the other. An app that does not come up keeps its old release.
 */
export async function changeGlobalConfig(
  change: ConfigChange,
  context: DeployContext,
  options: { restart: boolean },
): Promise<GlobalResult> {
  const { platform, actor } = context
  const { apps, globalConfig, secrets } = platform.store
  const names = Object.keys(change).sort()
  for (const name of names) refuseBadValue(name, change[name])
  const changed = await platform.queues.run(
    'global-config',
    { owner: actor, verb: 'config:set --global' },
    async () => {
      const before = await globalConfig.get()
      const config = applyChange(before, change, globalScope, secrets)
      if (isDeepStrictEqual(before, config)) return false
      refuseTooMuch(secrets.openAll(globalScope, config))
      await globalConfig.save(config)
      return true
    },
  )
  if (!options.restart) return { changed, apps: [] }
  const outcomes: AppOutcome[] = []
  for (const app of await apps.list()) {
    if (app.currentRelease === undefined) continue
    const outcome = await releaseWith(app, names, context)
    if (outcome !== undefined) outcomes.push(outcome)
  }
  return { changed, apps: outcomes }
}

/** Undefined for an app that is live with it already. */
async function releaseWith(
  app: App,
  names: string[],
  context: DeployContext,
): Promise<AppOutcome | undefined> {
  try {
    const version = await takeTurn(app, 'config:set --global', context, async (current, turn) => {
      const live = await liveRelease(turn, current)
      if (live === undefined) return undefined
      const { apps, globalConfig } = turn.platform.store
      if (isDeepStrictEqual(live.globalConfig ?? {}, await globalConfig.get())) return undefined
      const draft = {
        app: current,
        image: live.image,
        config: await apps.config(current.id),
        description: `Changed ${names.join(', ')} of all apps`,
        ...(live.commit !== undefined && { commit: live.commit }),
      }
      return (await rollOut(draft, turn)).release.version
    })
    return version === undefined ? undefined : { app: app.name, release: version, reason: null }
  } catch (error) {
    context.signal.throwIfAborted()
    return { app: app.name, release: null, reason: messageOf(error) }
  }
}
