import { z } from 'zod'
import { AppId, ConfigName } from './names.ts'
import { SealedConfig } from './release.ts'

/** A service's name: a DNS label, short enough to be part of the host name that apps find it by. */
export const ServiceName = z
  .string()
  .regex(
    /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
    'a service name has lower-case letters, digits and inner hyphens, starts with a letter, and has at most 40',
  )
  .brand<'ServiceName'>()
export type ServiceName = z.infer<typeof ServiceName>

/** A random id that a service keeps through renames; its network, volumes and secrets go by it. */
export const ServiceId = z
  .string()
  .regex(/^s[0-9a-z]{15}$/)
  .brand<'ServiceId'>()
export type ServiceId = z.infer<typeof ServiceId>

/** What a service's container is made from: one generation of it; an upgrade makes the next. */
export const Generation = z.strictObject({
  /** Counts from 1; part of the volume's name. */
  number: z.int().min(1),
  /** An image's tag. */
  image: z.string(),
  /** The engine's id of it, where others can move the tag. */
  imageId: z.string().optional(),
  /** The user in the image that it runs as, where that is not the one of our own image. */
  user: z.string().optional(),
  /** The version that the datastore itself tells. */
  version: z.string(),
})
export type Generation = z.infer<typeof Generation>

/** An app that uses a service. */
export const Link = z.strictObject({
  app: AppId,
  /** The config vars that the link has set, the one that promote and unlink go by first. */
  names: z.array(ConfigName).min(1),
  /** Set where the app has a database and a role of its own in the server; else it uses the service's. */
  own: z
    .strictObject({
      database: z.string(),
      user: z.string(),
      /** Sealed under the service. */ password: z.string(),
    })
    .optional(),
})
export type Link = z.infer<typeof Link>

/** How long backups stay: the newest of each of the last so many days, weeks and months. */
export const Keep = z.strictObject({
  days: z.int().min(0).max(3660),
  weeks: z.int().min(0).max(520),
  months: z.int().min(0).max(120),
})
export type Keep = z.infer<typeof Keep>

export const Service = z.strictObject({
  id: ServiceId,
  name: ServiceName,
  /** Folder of src/services: `postgres`. */
  kind: z.string(),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  /** The name that apps find it by; it stays when the service is renamed. */
  host: z.string(),
  /** Whether it should run. */
  running: z.boolean(),
  current: Generation,
  /** What was there before the last upgrade, kept until that is confirmed. */
  previous: Generation.optional(),
  memoryBytes: z.int(),
  /** Settings of the server program by its own names. */
  settings: z.record(z.string(), z.string()),
  database: z.string(),
  user: z.string(),
  /** `PASSWORD` of the user, `ADMIN` for our own access; sealed under the service's id. */
  secrets: SealedConfig,
  links: z.array(Link),
  /** Where the host listens for it. */
  exposed: z.strictObject({ address: z.string(), port: z.int() }).optional(),
})
export type Service = z.infer<typeof Service>

/** Docker's name of the network that a service and its linked apps are on. */
export const networkOf = (instanceName: string, id: ServiceId): string => `paas-${instanceName}-${id}`

/** Docker's name of the volume of one generation. */
export const volumeOf = (instanceName: string, id: ServiceId, generation: number): string =>
  `paas-${instanceName}-${id}-${generation}`
