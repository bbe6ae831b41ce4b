import { isDeepStrictEqual } from 'node:util'
import { PaasError } from '../errors/paas-error.ts'
import { own } from '../lib/own.ts'
import { type App } from '../model/app.ts'
import { type ConfigName } from '../model/names.ts'
import { type SealedConfig } from '../model/release.ts'
import { type Secrets } from '../store/secrets.ts'
import { type DeployContext } from './context.ts'
import { rollOut } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/** Bytes of `NAME=value` and its end, as Linux takes one string of an environment (MAX_ARG_STRLEN, execve(2)). */
const maxStringBytes = 131_072
/** Bytes of all of them, well within the 2 MiB that Linux has for arguments and environment together. */
const maxConfigBytes = 1024 * 1024

/** Names to values; undefined unsets. */
export type ConfigChange = Record<ConfigName, string | undefined>

/** What became of a change. */
export type ConfigResult = {
  /** live: a release carries it. kept: the next release has it. unchanged: it was so already. */
  outcome: 'live' | 'kept' | 'unchanged'
  /** The release that carries it. */
  release?: number
}

/**
 * Changes config as one release. The new values become the app's config only when that release is live, so a
 * roll-out that fails leaves the old ones in force. With `restart` false, or before the first release, they
 * are kept for the next release. A change that changes nothing makes no release.
 */
export async function changeConfig(
  app: App,
  change: ConfigChange,
  context: DeployContext,
  options: { restart: boolean },
): Promise<ConfigResult> {
  const names = Object.keys(change).sort()
  for (const name of names) refuseBadValue(name, change[name])
  const verb = names.every((name) => change[name] === undefined) ? 'config:unset' : 'config:set'
  return takeTurn(app, verb, context, async (current, turn) => {
    const { apps, secrets } = turn.platform.store
    const before = await apps.config(current.id)
    const config = applyChange(before, change, current.id, secrets)
    refuseTooMuch(secrets.openAll(current.id, config))
    const live = await liveRelease(turn, current)
    const isLive = live === undefined || !options.restart || isDeepStrictEqual(live.config, config)
    if (isLive && isDeepStrictEqual(before, config)) return { outcome: 'unchanged' }
    if (live === undefined || !options.restart) {
      await apps.saveConfig(current.id, config)
      return { outcome: 'kept' }
    }
    const draft = {
      app: current,
      image: live.image,
      config,
      description: `${verb === 'config:set' ? 'Set' : 'Unset'} ${names.join(', ')}`,
      ...(live.commit !== undefined && { commit: live.commit }),
    }
    const { release } = await rollOut(draft, turn)
    return { outcome: 'live', release: release.version }
  })
}

/** The config of a scope with a change applied; a value that stays the same stays sealed as it is. */
export function applyChange(
  config: SealedConfig,
  change: ConfigChange,
  scope: string,
  secrets: Secrets,
): SealedConfig {
  const kept = Object.entries(config).filter(([name]) => !Object.hasOwn(change, name))
  const set = Object.entries(change).flatMap(([name, value]) => {
    if (value === undefined) return []
    const sealed = own(config, name)
    const same = sealed !== undefined && secrets.open(scope, name, sealed) === value
    return [[name, same ? sealed : secrets.seal(scope, name, value)] as const]
  })
  return Object.fromEntries([...kept, ...set])
}

/** Throws INVALID_INPUT for a value that no process could be given. */
export function refuseBadValue(name: string, value: string | undefined): void {
  if (value === undefined) return
  const bytes = Buffer.byteLength(value)
  const most = maxStringBytes - Buffer.byteLength(name) - 2
  if (bytes > most) {
    throw new PaasError(
      'INVALID_INPUT',
      `The value of ${name} has ${bytes} bytes; the system takes at most ${most}.`,
      { hint: 'Put large data into a file or a service, and its address into a config var.' },
    )
  }
  if (value.includes('\0')) {
    throw new PaasError(
      'INVALID_INPUT',
      `The value of ${name} has a NUL byte, which an environment cannot carry.`,
    )
  }
}

/** Throws INVALID_INPUT where all values together are more than a process can be given. */
export function refuseTooMuch(config: Record<string, string>): void {
  const bytes = Buffer.byteLength(Object.entries(config).flat().join('=='))
  if (bytes <= maxConfigBytes) return
  throw new PaasError(
    'INVALID_INPUT',
    `All config vars together would have ${bytes} bytes; ${maxConfigBytes} is the limit.`,
    { hint: 'Put large data into a file or a service, and its address into a config var.' },
  )
}
