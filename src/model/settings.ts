import { z } from 'zod'

/** What admins may set about the server as a whole; a setting that is missing has its default. */
export const Settings = z.strictObject({
  /** Builds that run at once; more wait. */
  buildConcurrency: z.int().min(1).max(64).default(2),
  /** Releases of an app that keep their images. */
  keepReleases: z.int().min(1).max(1000).default(10),
  /** Bytes that images of apps may use together; beyond, the oldest releases lose theirs. Undefined: no limit. */
  imageBudgetBytes: z.int().min(0).optional(),
})
export type Settings = z.infer<typeof Settings>
  /** Of the backups of the state, the newest of each of the last so many hours and days stay. */
  keepStateBackups: z
    .strictObject({ hours: z.int().min(1).max(8760), days: z.int().min(0).max(3660) })
    .default({ hours: 24, days: 7 }),
