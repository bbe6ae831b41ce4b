import { z } from 'zod'
import { type ConfigChange, type ConfigResult } from '../../deploy/config.ts'
import { type App } from '../../model/app.ts'

/** What config:set and config:unset tell. */
export const ConfigChanged = z.object({
  app: z.string(),
  names: z.array(z.string()),
  /** live: `release` carries the change. kept: the next release does. unchanged: it was so already. */
  outcome: z.enum(['live', 'kept', 'unchanged']),
  release: z.int().nullable(),
})
export type ConfigChanged = z.infer<typeof ConfigChanged>

export function configChanged(app: App, change: ConfigChange, result: ConfigResult): ConfigChanged {
  return {
    app: app.name,
    names: Object.keys(change),
    outcome: result.outcome,
    release: result.release ?? null,
  }
}

export function renderChanged(
  verb: 'Set' | 'Unset',
  { app, names, outcome, release }: ConfigChanged,
): string {
  if (outcome === 'unchanged') return `Nothing to change: ${names.join(', ')} of ${app} was so already.\n`
  const when = outcome === 'kept' ? '; the next release goes by it' : `: v${release ?? '?'}`
  return `${verb} ${names.join(', ')} of ${app}${when}.\n`
}
