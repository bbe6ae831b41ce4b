import { z } from 'zod'

/** What admins may set about the server as a whole; a setting that is missing has its default. */
export const Settings = z.strictObject({
  /** Builds that run at once; more wait. */
  buildConcurrency: z.int().min(1).max(64).default(2),
  /** Bytes that all builds may use together. */
  buildMemoryBytes: z
    .int()
    .min(256 * 1024 ** 2)
    .default(2 * 1024 ** 3),
  /** Cores that all builds may use together, fractions allowed; undefined: what live apps leave. */
  buildCpus: z.number().min(0.1).max(1024).optional(),
  /** Minutes after which a build is given up. */
  buildMinutes: z.int().min(1).max(1440).default(30),
  /** Releases of an app that keep their images. */
  keepReleases: z.int().min(1).max(1000).default(10),
  /** Bytes that images of apps may use together; beyond, the oldest releases lose theirs. Undefined: no limit. */
  imageBudgetBytes: z.int().min(0).optional(),
  /** Of the backups of the state, the newest of each of the last so many hours and days stay. */
  keepStateBackups: z
    .strictObject({ hours: z.int().min(1).max(8760), days: z.int().min(0).max(3660) })
    .default({ hours: 24, days: 7 }),
})
export type Settings = z.infer<typeof Settings>
