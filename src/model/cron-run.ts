import { z } from 'zod'

/** The last run of a cron entry. */
export const CronRun = z.strictObject({
  /** `cron.4821`, what logs call it. */
  process: z.string(),
  startedAt: z.iso.datetime(),
  /** When it was due; undefined: somebody asked for it. */
  dueAt: z.iso.datetime().optional(),
  finishedAt: z.iso.datetime().optional(),
  exitCode: z.int().optional(),
  /** Why it has no exit code, or ended early. */
  reason: z.string().optional(),
})
export type CronRun = z.infer<typeof CronRun>
