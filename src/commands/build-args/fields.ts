import { z } from 'zod'
import { type App, BuildArgument, type BuildSettings } from '../../model/app.ts'
import { table } from '../render.ts'

/** `NAME=value` of a command line. */
export const Pair = z.string().transform((text, context): [name: string, value: string] => {
  const at = text.indexOf('=')
  const name = BuildArgument.safeParse(text.slice(0, Math.max(at, 0)))
  if (at > 0 && name.success && text.length <= 32_768) return [name.data, text.slice(at + 1)]
  context.addIssue(name.error?.issues[0]?.message ?? 'give NAME=value')
  return z.NEVER
})

export const ShownArgs = z.object({ app: z.string(), buildArgs: z.record(z.string(), z.string()) })
type Shown = z.output<typeof ShownArgs>

export const shownArgs = (app: App, { buildArgs }: BuildSettings): Shown => ({
  app: app.name,
  buildArgs: buildArgs ?? {},
})

export const renderArgs = ({ app, buildArgs }: Shown): string => {
  const rows = Object.entries(buildArgs).toSorted(([a], [b]) => a.localeCompare(b))
  return rows.length === 0 ? `${app} has no build arguments.\n` : table(rows)
}
