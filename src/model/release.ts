import { z } from 'zod'
import { Limits } from './app.ts'
import { Check } from './check.ts'
import { ConfigName, ProcessType } from './names.ts'

/** How a process type starts: through a shell in the image, or the image's own ENTRYPOINT and CMD. */
export const Process = z.strictObject({
  /** A shell command line (Procfile); undefined runs the image's own CMD. */
  command: z.string().min(1).optional(),
})
export type Process = z.infer<typeof Process>

/** A command that runs by the clock, from app.json `cron`. */
export const CronEntry = z.strictObject({
  /** Unique in the app; what logs and commands call it. */
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/),
  command: z.string().min(1),
  /** Five or six fields, or @hourly and the like. */
  schedule: z.string().min(1),
  /** IANA name, as Europe/Berlin. */
  timezone: z.string(),
  /** What happens when it is time and the run before has not ended. */
  overlap: z.enum(['allow', 'forbid', 'replace']),
  /** Seconds after which a run is stopped. */
  timeout: z.int().min(1).max(86_400),
  /** What happens to runs that were due while nothing ran here: one of them is made up for, or none. */
  missed: z.enum(['run', 'skip']),
})
export type CronEntry = z.infer<typeof CronEntry>

/** What a build gives and every container of a release starts from. */
export const Image = z.strictObject({
  /** `sha256:…`, by which the engine that built it knows it; one with another kind of store gives another id. */
  id: z.string(),
  /** `paas/<app id>:<build id>`: what containers are created from, and what keeps the image from being pruned. */
  tag: z.string(),
  /** Name of the builder: a buildpack, `dockerfile`, `image`. */
  builder: z.string(),
  processes: z.record(ProcessType, Process),
  checks: z.record(ProcessType, z.array(Check)),
  /** What the HEALTHCHECK of an image that is the app's own asks of web, where nothing else says how it is checked. */
  healthcheck: z.array(Check).optional(),
  /** The port that web listens on; it is also given as PORT. */
  port: z.int().min(1).max(65_535),
  /** app.json's: predeploy runs in a new image before it is released, postdeploy after an app's first release. */
  scripts: z.strictObject({ predeploy: z.string().optional(), postdeploy: z.string().optional() }).optional(),
  cron: z.array(CronEntry).optional(),
})
export type Image = z.infer<typeof Image>

/** `ciphertext` by config name: AES-256-GCM, see store/secrets.ts. */
export const SealedConfig = z.record(ConfigName, z.string())
export type SealedConfig = z.infer<typeof SealedConfig>

/** The scope of config that every app has, where an app's own has its id; no id looks like it. */
export const globalScope = 'global'

/** What was set for containers beside their config, by process type: `ps:type` and `checks:set`. */
export const Settings = z.strictObject({
  limits: z.record(ProcessType, Limits),
  checks: z.record(ProcessType, z.array(Check)),
})
export type Settings = z.infer<typeof Settings>

export const ReleaseStatus = z.enum(['pending', 'active', 'failed', 'superseded'])

/** Image + config + settings under a number; never changed but for its status. */
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
  /** Config that every app has, as it was then; sealed under the scope `global`. The app's own wins. */
  globalConfig: SealedConfig.optional(),
  /** As it was then; undefined in releases from before it was kept. */
  settings: Settings.optional(),
  status: ReleaseStatus,
  /** Why it failed. */
  reason: z.string().optional(),
  /** Stage of the deploy → seconds that it took. */
  stages: z.record(z.string(), z.number()).optional(),
})
export type Release = z.infer<typeof Release>
