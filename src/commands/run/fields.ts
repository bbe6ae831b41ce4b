import { z } from 'zod'
import { ConfigName } from '../../model/names.ts'

/** The command's own words: options among them are the command's. */
export const words = z
  .array(z.string())
  .min(1, 'say what to run, after --')
  .describe('the command')
  .meta({ passThrough: true })

/** `--env NAME=value`, several times. */
export const environment = z
  .array(z.string())
  .default([])
  .transform((pairs, context): Record<string, string> => {
    const found: Record<string, string> = {}
    for (const pair of pairs) {
      const at = pair.indexOf('=')
      const name = ConfigName.safeParse(pair.slice(0, Math.max(at, 0)))
      if (at < 0 || !name.success) {
        context.addIssue('a variable is given as NAME=value')
        return z.NEVER
      }
      found[name.data] = pair.slice(at + 1)
    }
    return found
  })
  .describe('a variable for this command only, as NAME=value; may be repeated')
  .meta({ short: 'e', value: 'pair' })
