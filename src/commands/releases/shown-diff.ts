import { z } from 'zod'
import { type NamedChange, type ReleaseDiff } from '../../deploy/diff.ts'
import { table } from '../render.ts'

const Changes = z.array(z.object({ name: z.string(), change: z.enum(['added', 'removed', 'changed']) }))
const texts = z.object({ from: z.string().nullable(), to: z.string().nullable() })

/** The shape of a difference between releases; null: no difference. */
export const ShownDiff = z.object({
  image: texts.nullable(),
  commit: texts.nullable(),
  config: Changes,
  globalConfig: Changes,
  processes: z.array(texts.extend({ type: z.string() })),
  checks: Changes,
  limits: Changes,
  cron: Changes,
})
export type ShownDiff = z.infer<typeof ShownDiff>

export function shownDiff(diff: ReleaseDiff): ShownDiff {
  const orNull = (pair: { from: string | undefined; to: string | undefined }) => ({
    from: pair.from ?? null,
    to: pair.to ?? null,
  })
  return {
    ...diff,
    image: diff.image === undefined ? null : orNull(diff.image),
    commit: diff.commit === undefined ? null : orNull(diff.commit),
    processes: diff.processes.map(({ type, from, to }) => ({ type, ...orNull({ from, to }) })),
  }
}

const marks = { added: '+', removed: '-', changed: '~' } as const

/** `+ NAME` added, `- NAME` removed, `~ NAME` changed; empty where nothing differs. */
export function renderDiff(diff: ShownDiff): string {
  const named = (what: string, changes: NamedChange[]): string[][] =>
    changes.map(({ name, change }) => [marks[change], what, name])
  const short = (text: string | null): string => (text === null || text === '' ? 'none' : text.slice(0, 19))
  return table([
    ...(diff.commit === null
      ? []
      : [['~', 'commit', `${short(diff.commit.from)} → ${short(diff.commit.to)}`]]),
    ...(diff.image === null ? [] : [['~', 'image', `${short(diff.image.from)} → ${short(diff.image.to)}`]]),
    ...named('config', diff.config),
    ...named('config of all apps', diff.globalConfig),
    ...diff.processes.map(({ type, from, to }) => [
      from === null ? '+' : to === null ? '-' : '~',
      'process',
      `${type}: ${[from, to].filter((text) => text !== null).join(' → ')}`,
    ]),
    ...named('checks', diff.checks),
    ...named('limits', diff.limits),
    ...named('cron', diff.cron),
  ])
}
