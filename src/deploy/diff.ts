import { isDeepStrictEqual } from 'node:util'
import { own } from '../lib/own.ts'
import { type Release, type Settings } from '../model/release.ts'

export type NamedChange = { name: string; change: 'added' | 'removed' | 'changed' }

/** What one release has and another one has not; config by names only. */
export type ReleaseDiff = {
  /** Undefined: the same image. */
  image: { from: string; to: string } | undefined
  commit: { from: string | undefined; to: string | undefined } | undefined
  config: NamedChange[]
  globalConfig: NamedChange[]
  processes: { type: string; from: string | undefined; to: string | undefined }[]
  /** Whether app.json or somebody said so. */
  checks: NamedChange[]
  limits: NamedChange[]
  cron: NamedChange[]
}

/** Pure. A value that stayed the same is sealed as it was, so equal texts are equal values. */
export function diffReleases(from: Release | undefined, to: Release): ReleaseDiff {
  const before = from?.image
  const settings = settingsOf(from, to)
  const commands = (image: Release['image'] | undefined): Record<string, string> =>
    Object.fromEntries(
      Object.entries(image?.processes ?? {}).map(([type, { command }]) => [
        type,
        command ?? "the image's own",
      ]),
    )
  const [old, now] = [commands(before), commands(to.image)]
  const byName = (image: Release['image'] | undefined): Record<string, unknown> =>
    Object.fromEntries((image?.cron ?? []).map((entry) => [entry.name, entry]))
  return {
    image: before?.id === to.image.id ? undefined : { from: before?.id ?? '', to: to.image.id },
    commit: from?.commit === to.commit ? undefined : { from: from?.commit, to: to.commit },
    config: compare(from?.config ?? {}, to.config),
    globalConfig: compare(from?.globalConfig ?? {}, to.globalConfig ?? {}),
    processes: compare(old, now).map(({ name }) => ({
      type: name,
      from: own(old, name),
      to: own(now, name),
    })),
    checks: compare(
      { ...before?.checks, ...settings.from.checks },
      { ...to.image.checks, ...settings.to.checks },
    ),
    limits: compare(settings.from.limits, settings.to.limits),
    cron: compare(byName(before), byName(to.image)),
  }
}

const noSettings = { limits: {}, checks: {} }

/** Of releases from before settings were kept nothing is known, so nothing is said. */
function settingsOf(from: Release | undefined, to: Release): { from: Settings; to: Settings } {
  if (from === undefined) return { from: noSettings, to: to.settings ?? noSettings }
  return from.settings === undefined || to.settings === undefined
    ? { from: noSettings, to: noSettings }
    : { from: from.settings, to: to.settings }
}

/** Pure. By name, what one record has and another one has not. */
export function compare(from: Record<string, unknown>, to: Record<string, unknown>): NamedChange[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()
  return names.flatMap((name): NamedChange[] => {
    if (!Object.hasOwn(from, name)) return [{ name, change: 'added' }]
    if (!Object.hasOwn(to, name)) return [{ name, change: 'removed' }]
    return isDeepStrictEqual(from[name], to[name]) ? [] : [{ name, change: 'changed' }]
  })
}
