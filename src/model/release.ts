import { z } from 'zod'
import { Check } from './check.ts'
import { ConfigName, ProcessType } from './names.ts'

/** How a process type starts: through a shell in the image, or the image's own ENTRYPOINT and CMD. */
export const Process = z.strictObject({
  /** A shell command line (Procfile); undefined runs the image's own CMD. */
  command: z.string().min(1).optional(),
})
export type Process = z.infer<typeof Process>

/** What a build gives and every container of a release starts from. */
export const Image = z.strictObject({
  /** `sha256:…`, what containers are created from. */
  id: z.string(),
  /** `paas/<app id>:<build id>`, which keeps the image from being pruned. */
  tag: z.string(),
  /** Name of the builder: a buildpack, `dockerfile`, `image`. */
  builder: z.string(),
  processes: z.record(ProcessType, Process),
  checks: z.record(ProcessType, z.array(Check)),
  /** The port that web listens on; it is also given as PORT. */
  port: z.int().min(1).max(65_535),
})
export type Image = z.infer<typeof Image>

/** `ciphertext` by config name: AES-256-GCM, see store/secrets.ts. */
export const SealedConfig = z.record(ConfigName, z.string())
export type SealedConfig = z.infer<typeof SealedConfig>

export const ReleaseStatus = z.enum(['pending', 'active', 'failed', 'superseded'])

/** Image + config + process types under a number; never changed but for its status. */
export const Release = z.strictObject({
  version: z.int().min(1),
  createdAt: z.iso.datetime(),
  /** Who asked: the key's name, or `root`. */
  createdBy: z.string(),
  /** What was done, as Heroku has it: `Deploy 1a2b3c4`, `Set FOO config vars`. */
  description: z.string(),
  commit: z.string().optional(),
  image: Image,
  config: SealedConfig,
  status: ReleaseStatus,
  /** Why it failed. */
  reason: z.string().optional(),
})
export type Release = z.infer<typeof Release>
