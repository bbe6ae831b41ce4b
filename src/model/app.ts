import { z } from 'zod'
import { Check } from './check.ts'
import { AppId, AppName, Domain, ProcessType } from './names.ts'

/** Process type → how many containers run. A type that is missing runs 0, except `web`, which runs 1. */
export const Formation = z.record(ProcessType, z.int().min(0).max(100))
export type Formation = z.infer<typeof Formation>

/** Storage of an app: a volume that outlives its containers and releases. */
export const Mount = z.strictObject({
  /** What the app calls it; the same name at two paths is the same volume. */
  name: z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/,
      'storage has a name of lower-case letters, digits, - and _, at most 40',
    ),
  /** Absolute, in every container of the app. */
  path: z
    .string()
    .max(256)
    .regex(/^(?:\/[A-Za-z0-9._-]+)+$/, 'a path is absolute, of letters, digits and . _ -')
    .refine(
      (path) => !path.split('/').some((part) => part === '..' || part === '.'),
      'a path has no . or ..',
    ),
})
export type Mount = z.infer<typeof Mount>

/** Docker's name of an app's volume. */
export const mountVolume = (instanceName: string, app: AppId, name: string): string =>
  `paas-${instanceName}-${app}-${name}`

/** What one container of a process type may use; what is missing has the default of deploy/container-spec.ts. */
export const Limits = z.strictObject({
  memoryBytes: z
    .int()
    .min(16 * 1024 ** 2)
    .optional(),
  /** Cores, fractions allowed. */
  cpus: z.number().min(0.01).max(1024).optional(),
  /** Weight where cores are scarce; 1024 is usual. */
  cpuShares: z.int().min(2).max(262_144).optional(),
  pids: z.int().min(16).max(100_000).optional(),
})
export type Limits = z.infer<typeof Limits>

/** A place that lines of the app's log are sent to. */
export const Drain = z.strictObject({
  id: z.string().regex(/^d[0-9a-z]{15}$/),
  /** Sealed, as it may carry a password: the name for it is `drain:<id>`. */
  url: z.string(),
  createdAt: z.iso.datetime(),
})
export type Drain = z.infer<typeof Drain>

/** An argument of a Dockerfile: those that change BuildKit itself are not an app's to set. */
export const BuildArgument = z
  .string()
  .max(128)
  .regex(
    /^(?!BUILDKIT_)[A-Za-z_]\w*$/,
    'a build argument has letters, digits and _, and does not start with BUILDKIT_',
  )

/** How an app's image is built, where that is not left to detection. */
export const BuildSettings = z.strictObject({
  /** Builders in order; the last one makes the image. */
  chosen: z.array(z.string()).min(1).optional(),
  /** A base image instead of ours. */
  base: z.string().optional(),
  /** Path of the app's own Dockerfile; undefined: `Dockerfile`, where there is one. */
  dockerfile: z.string().optional(),
  /** Stage of the Dockerfile that becomes the image; undefined: the last one. */
  target: z.string().optional(),
  /** Build arguments for the app's own Dockerfile. */
  buildArgs: z.record(BuildArgument, z.string()).optional(),
  /** Which cache mounts are the app's: another value is an empty cache. */
  cache: z.string().optional(),
  /** The next build takes nothing from cache. */
  clearCache: z.literal(true).optional(),
})
export type BuildSettings = z.infer<typeof BuildSettings>

export const App = z.strictObject({
  id: AppId,
  name: AppName,
  createdAt: z.iso.datetime(),
  /** The branch whose push is deployed; undefined until the first push, which may be main or master. */
  branch: z.string().optional(),
  formation: Formation,
  /** Hosts besides `<name>.<base domain>`. */
  domains: z.array(Domain),
  /** The release that serves; undefined before the first one. */
  currentRelease: z.int().min(1).optional(),
  /** Undefined: no storage. */
  mounts: z.array(Mount).optional(),
  /** The highest release number given out; failed releases count. */
  lastRelease: z.int().min(0),
  /** Process type → what one of its containers may use. */
  limits: z.record(ProcessType, Limits).optional(),
  /** Process types (`web`) and processes (`web.2`) of the formation that are stopped. */
  stopped: z.array(z.string()).optional(),
  /** Process type → checks that take the place of app.json's; an empty list: only that it stays up. */
  checks: z.record(ProcessType, z.array(Check)).optional(),
  /** Seconds that requests in flight may take when their container is replaced. */
  waitToRetire: z.int().min(0).max(3600).optional(),
  /** Seconds between SIGTERM and SIGKILL. */
  stopTimeout: z.int().min(0).max(3600).optional(),
  /** Nothing that runs may be changed until it is unlocked. */
  lock: z.strictObject({ reason: z.string(), by: z.string(), at: z.iso.datetime() }).optional(),
  drains: z.array(Drain).optional(),
  build: BuildSettings.optional(),
  /** How many releases keep their images, where not as many as on other apps. */
  keepReleases: z.int().min(1).max(1000).optional(),
  /** Names of cron entries that do not run. */
  pausedCron: z.array(z.string()).optional(),
})
export type App = z.infer<typeof App>
