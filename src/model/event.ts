import { z } from 'zod'

/** Something that somebody has to know of, or see to. */
export const Event = z.strictObject({
  /** Redis' id of the line: milliseconds since 1970, a hyphen, a number. */
  id: z.string(),
  at: z.iso.datetime(),
  /** `backup-failed` */
  name: z.string(),
  facts: z.record(z.string(), z.unknown()),
})
export type Event = z.infer<typeof Event>
