import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { type App } from '../model/app.ts'
import { Key } from '../model/key.ts'
import { type StateRecord } from '../store/dump.ts'
import { keys } from '../store/keys.ts'
import { appsIn, hashIn, releaseIn, servicesIn } from './records.ts'

/** One thing that a restore would change. */
export const Difference = z.object({
  of: z.enum(['app', 'service', 'key', 'route', 'settings']),
  name: z.string(),
  change: z.enum(['comes', 'goes', 'changes']),
  /** What about it: `v3 → v7`. */
  details: z.array(z.string()),
})
export type Difference = z.infer<typeof Difference>

/** What changes when the state `here` becomes the state `then`; empty where they say the same. Pure. */
export function differences(here: readonly StateRecord[], then: readonly StateRecord[]): Difference[] {
  return [
    ...between('app', byName(appsIn(here)), byName(appsIn(then)), {
      tell: (app, records) => tellApp(app, records),
      here,
      then,
    }),
    ...between('service', byName(servicesIn(here)), byName(servicesIn(then)), {
      tell: ({ id, kind, current, links }) => ({
        id,
        '': `${kind} ${current.version}`,
        links: String(links.length),
      }),
      here,
      then,
    }),
    ...between('key', keysIn(here), keysIn(then), {
      tell: ({ role, apps }) => ({ '': role, apps: apps?.join(' ') ?? 'all' }),
      here,
      then,
    }),
    ...between('route', routesIn(here), routesIn(then), {
      tell: (backends) => ({ '': backends.join(' ') }),
      here,
      then,
    }),
    ...between('settings', settingsIn(here), settingsIn(then), {
      tell: (value) => ({ '': value }),
      here,
      then,
    }),
  ]
}

/** What there is to say about one thing: what it is about → what of it. Nothing secret. */
type Facts = Record<string, string>

function between<T>(
  of: Difference['of'],
  here: Map<string, T>,
  then: Map<string, T>,
  how: {
    tell: (one: T, records: readonly StateRecord[]) => Facts
    here: readonly StateRecord[]
    then: readonly StateRecord[]
  },
): Difference[] {
  const names = [...new Set([...here.keys(), ...then.keys()])].sort()
  return names.flatMap((name): Difference[] => {
    const [now, later] = [here.get(name), then.get(name)]
    const before = now === undefined ? undefined : how.tell(now, how.here)
    const after = later === undefined ? undefined : how.tell(later, how.then)
    if (before === undefined || after === undefined) {
      const change = after === undefined ? 'goes' : 'comes'
      return [{ of, name, change, details: lines(after ?? before ?? {}) }]
    }
    if (isDeepStrictEqual(before, after)) return []
    return [{ of, name, change: 'changes', details: changes(before, after) }]
  })
}

const lines = (facts: Facts): string[] =>
  Object.entries(facts).flatMap(([about, text]) =>
    about === 'id' || text === '' ? [] : [labelled(about, text)],
  )

const labelled = (about: string, text: string): string => (about === '' ? text : `${about}: ${text}`)

function changes(before: Facts, after: Facts): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((about) => {
    const [old, next] = [before[about] ?? '', after[about] ?? '']
    if (old === next) return []
    if (about === 'id') return ['is another one of that name']
    return [labelled(about, `${old || 'none'} → ${next || 'none'}`)]
  })
}

function tellApp(app: App, records: readonly StateRecord[]): Facts {
  const release = releaseIn(records, app)
  const config = Object.entries(release?.config ?? {}).sort()
  return {
    id: app.id,
    '': app.currentRelease === undefined ? 'not deployed' : `v${app.currentRelease}`,
    commit: release?.commit?.slice(0, 7) ?? '',
    // Values stay out of sight; that one was set anew shows by its release.
    config: config.map(([name]) => name).join(' '),
    domains: app.domains.join(' '),
    processes: Object.entries(app.formation)
      .map(([type, count]) => `${type}=${count}`)
      .sort()
      .join(' '),
    storage: (app.mounts ?? []).map(({ name, path }) => `${name}:${path}`).join(' '),
  }
}

function byName<T extends { name: string }>(things: readonly T[]): Map<string, T> {
  return new Map(things.map((one) => [one.name, one]))
}

const keysIn = (records: readonly StateRecord[]): Map<string, Key> =>
  byName(Object.values(hashIn(records, keys.sshKeys)).map((text) => Key.parse(JSON.parse(text))))

/** Routes that no app has: those of apps follow from the apps. */
function routesIn(records: readonly StateRecord[]): Map<string, string[]> {
  const ofApps = new Set(appsIn(records).flatMap(({ name }) => name as string))
  return new Map(
    records.flatMap((record) =>
      record.type === 'list' && record.key.startsWith('frontend:') && !ofApps.has(record.value[0] ?? '')
        ? [[record.key.slice('frontend:'.length), record.value.slice(1)] as const]
        : [],
    ),
  )
}

/** What holds for the server as a whole. */
function settingsIn(records: readonly StateRecord[]): Map<string, string> {
  const text = records.find(({ key }) => key === keys.settings)
  const settings = text?.type === 'string' ? (JSON.parse(text.value) as Record<string, unknown>) : {}
  const global = Object.keys(hashIn(records, keys.globalConfig)).sort().join(' ')
  return new Map([
    ...Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)] as const),
    ...(global === '' ? [] : ([['config of every app', global]] as const)),
  ])
}
