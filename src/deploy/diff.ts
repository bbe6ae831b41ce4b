import { isDeepStrictEqual } from 'node:util'
import { own } from '../lib/own.ts'
import { type Release } from '../model/release.ts'

export type NamedChange = { name: string; change: 'added' | 'removed' | 'changed' }

/** What one release has and another one has not; config by names only. */
export type ReleaseDiff = {
  /** Undefined: the same image. */
  image: { from: string; to: string } | undefined
  commit: { from: string | undefined; to: string | undefined } | undefined
  config: NamedChange[]
  globalConfig: NamedChange[]
  processes: { type: string; from: string | undefined; to: string | undefined }[]
  checks: NamedChange[]
  cron: NamedChange[]
}

/** Pure. A value that stayed the same is sealed as it was, so equal texts are equal values. */
export function diffReleases(from: Release | undefined, to: Release): ReleaseDiff {
  const before = from?.image
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
    checks: compare(before?.checks ?? {}, to.image.checks),
    cron: compare(byName(before), byName(to.image)),
  }
}

function compare(from: Record<string, unknown>, to: Record<string, unknown>): NamedChange[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()
  return names.flatMap((name): NamedChange[] => {
    if (!Object.hasOwn(from, name)) return [{ name, change: 'added' }]
    if (!Object.hasOwn(to, name)) return [{ name, change: 'removed' }]
    return isDeepStrictEqual(from[name], to[name]) ? [] : [{ name, change: 'changed' }]
  })
}
