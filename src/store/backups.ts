import { type Redis } from 'ioredis'
import { type z } from 'zod'
import { Backup, type BackupId, BackupSchedule, OffsiteStore } from '../model/backup.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { onState } from './redis.ts'

export type BackupStore = ReturnType<typeof backupStore>

/** Backups, their schedules by subject, and off-site stores by name: three hashes of JSON values. */
export function backupStore(redis: Redis) {
  const hash = <T extends z.ZodType>(key: string, schema: T) => ({
    async get(field: string): Promise<z.output<T> | undefined> {
      const text = await onState(() => redis.hget(key, field))
      return text === null ? undefined : parseStored(schema, `${key} ${field}`, text)
    },
    async all(): Promise<[field: string, value: z.output<T>][]> {
      const texts = await onState(() => redis.hgetall(key))
      return Object.entries(texts)
        .map(([field, text]): [string, z.output<T>] => [field, parseStored(schema, `${key} ${field}`, text)])
        .sort(([a], [b]) => (a < b ? -1 : 1))
    },
    async set(field: string, value: z.output<T>): Promise<void> {
      await onState(() => redis.hset(key, field, toStored(schema, value)))
    },
    async remove(field: string): Promise<void> {
      await onState(() => redis.hdel(key, field))
    },
  })
  const backups = hash(keys.backups, Backup)
  const schedules = hash(keys.backupSchedules, BackupSchedule)
  const stores = hash(keys.offsiteStores, OffsiteStore)
  return {
    get: (id: BackupId) => backups.get(id),
    /** All backups, oldest first. */
    list: async (): Promise<Backup[]> => (await backups.all()).map(([, backup]) => backup),
    save: (backup: Backup) => backups.set(backup.id, backup),
    remove: (id: BackupId) => backups.remove(id),
    schedules,
    stores,
  }
}
