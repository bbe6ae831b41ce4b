import { PaasError } from '../errors/paas-error.ts'
import { appQueue } from '../apps/queue.ts'
import { type App } from '../model/app.ts'
import { type ConfigName } from '../model/names.ts'
import { type SealedConfig } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { rollOut } from './roll-out.ts'

/** Bytes of one value; the environment of a process has room for about 128 KiB a string (execve(2)). */
const maxValueBytes = 131_000

/** Names to values; undefined unsets. */
export type ConfigChange = Record<ConfigName, string | undefined>

/** What became of a change: the release that carries it, or undefined where nothing runs yet. */
export type ConfigResult = { app: App; release?: number }

/**
 * Changes config as one release. The new values become the app's config only when that release is live, so a
 * roll-out that fails leaves the old ones in force. With `restart` false, or before the first release, they
 * are kept for the next release.
 */
export async function changeConfig(
  app: App,
  change: ConfigChange,
  context: DeployContext,
  options: { restart: boolean },
): Promise<ConfigResult> {
  const { platform, actor, signal } = context
  const names = Object.keys(change).sort()
  for (const name of names) refuseBadValue(name, change[name])
  const verb = names.every((name) => change[name] === undefined) ? 'config:unset' : 'config:set'
  const onWait = (ahead: { owner: string; verb: string; since: Date }) =>
    context.report({ type: 'queue:waiting', ...ahead })
  return appQueue(platform, app, { owner: actor, verb, signal, onWait }, async (current) => {
    const { store } = platform
    const config = applyChange(await store.apps.config(current.id), change, (name, value) =>
      store.secrets.seal(current.id, name, value),
    )
    if (current.currentRelease === undefined || !options.restart) {
      await store.apps.saveConfig(current.id, config)
      return { app: current }
    }
    const live = await store.releases.get(current.id, current.currentRelease)
    if (live === undefined)
      throw new PaasError('STATE_CORRUPT', `Release v${current.currentRelease} is missing.`)
    const description = `${verb === 'config:set' ? 'Set' : 'Unset'} ${names.join(', ')}`
    const draft = {
      app: current,
      image: live.image,
      config,
      description,
      ...(live.commit !== undefined && { commit: live.commit }),
    }
    const routed = await rollOut(draft, context)
    return { app: routed.app, release: routed.release.version }
  })
}

/** The config with a change applied; what is not named stays sealed as it is. */
function applyChange(
  config: SealedConfig,
  change: ConfigChange,
  seal: (name: string, value: string) => string,
): SealedConfig {
  const kept = Object.entries(config).filter(([name]) => !(name in change))
  const set = Object.entries(change).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, seal(name, value)] as const],
  )
  return Object.fromEntries([...kept, ...set])
}

function refuseBadValue(name: string, value: string | undefined): void {
  if (value === undefined) return
  if (Buffer.byteLength(value) > maxValueBytes) {
    throw new PaasError(
      'INVALID_INPUT',
      `${name} has ${Buffer.byteLength(value)} bytes; ${maxValueBytes} is the limit of the system.`,
      {
        hint: 'Put large data into a file or a service, and its address into a config var.',
      },
    )
  }
  if (value.includes('\0')) {
    throw new PaasError('INVALID_INPUT', `${name} has a NUL byte, which an environment cannot carry.`)
  }
}
