import { z } from 'zod'
import { AppId } from './names.ts'
import { Keep, ServiceId } from './service.ts'

/** When it was made and some random characters: `20261120-171500-k3f9`. */
export const BackupId = z
  .string()
  .regex(/^\d{8}-\d{6}-[0-9a-z]{4}$/, 'a backup is named like 20261120-171500-k3f9; see paas backups:list')
  .brand<'BackupId'>()
export type BackupId = z.infer<typeof BackupId>

/** What a backup is of. It outlives that, so it holds all that is needed to make it again. */
export const Subject = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('service'),
    id: ServiceId,
    name: z.string(),
    kind: z.string(),
    image: z.string(),
    version: z.string(),
  }),
  z.strictObject({
    type: z.literal('storage'),
    id: AppId,
    name: z.string(),
    /** The volume. */ volume: z.string(),
  }),
])
export type Subject = z.infer<typeof Subject>

/** `db1`, or `blog:uploads` for storage: what people type. */
export const subjectName = (subject: Subject): string =>
  subject.type === 'service' ? subject.name : `${subject.name}:${subject.volume}`

/** The same for good, through renames. */
export const subjectKey = (subject: Subject): string =>
  subject.type === 'service' ? subject.id : `${subject.id}:${subject.volume}`

const Counts = z.record(z.string(), z.int().min(0))

/** One database, or one volume: a file of its own. */
export const Part = z.strictObject({
  /** The name of the database. */
  name: z.string(),
  /** Set for the database that an app has of its own. */
  app: AppId.optional(),
  /** Bytes as stored: compressed and encrypted. */
  bytes: z.int().min(0),
  /** Of the file as stored. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /**
   * What was in it before and after the dump: what lies between is right. Counting takes its time, so it is done
   * for backups that are proven at once.
   */
  counts: z.strictObject({ before: Counts, after: Counts }).optional(),
})
export type Part = z.infer<typeof Part>

/** A copy in an off-site store. */
export const Copy = z.strictObject({
  store: z.string(),
  status: z.enum(['stored', 'failed']),
  reason: z.string().optional(),
})

/** What a restore into a throwaway showed. */
export const Drill = z.strictObject({
  at: z.iso.datetime(),
  ok: z.boolean(),
  reason: z.string().optional(),
  seconds: z.number(),
  counts: Counts,
})
export type Drill = z.infer<typeof Drill>

export const Backup = z.strictObject({
  id: BackupId,
  subject: Subject,
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  /** Made by a schedule: only those are removed as they age. */
  scheduled: z.boolean(),
  status: z.enum(['complete', 'failed']),
  /** Why it failed. */
  reason: z.string().optional(),
  seconds: z.number(),
  parts: z.array(Part),
  /** First eight hex digits of the key's SHA-256: which key opens it. */
  key: z.string(),
  copies: z.array(Copy),
  drill: Drill.optional(),
})
export type Backup = z.infer<typeof Backup>

export const BackupSchedule = z.strictObject({
  subject: Subject,
  /** Five fields as crontab(5) has them, or @daily and the like; UTC. */
  cron: z.string(),
  keep: Keep,
  /** Name of an off-site store; undefined: this server's disk alone. */
  to: z.string().optional(),
  /** Nothing was due before. */
  since: z.iso.datetime(),
})
export type BackupSchedule = z.infer<typeof BackupSchedule>

/** A bucket somewhere else. */
export const OffsiteStore = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a store has a name of lower-case letters, digits and hyphens'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'this is no name of a bucket'),
  /** Put in front of every object's name; empty or ending with a slash. */
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9._-]+\/)*$/, 'a prefix is of letters, digits and . _ - between slashes'),
  region: z.string(),
  /** Undefined: Amazon's own. */
  endpoint: z.url().optional(),
  accessKeyId: z.string(),
  /** Sealed; the scope is `store:<name>`. */
  secretAccessKey: z.string(),
})
export type OffsiteStore = z.infer<typeof OffsiteStore>
