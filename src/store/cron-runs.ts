import { type Redis } from 'ioredis'
import { CronRun } from '../model/cron-run.ts'
import { type AppId } from '../model/names.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { onState } from './redis.ts'

/** The last run of each cron entry of an app, by the entry's name. */
export function cronRunStore(redis: Redis) {
  return {
    async all(app: AppId): Promise<Record<string, CronRun>> {
      const texts = await onState(() => redis.hgetall(keys.cronRuns(app)))
      return Object.fromEntries(
        Object.entries(texts).map(([name, text]) => [
          name,
          parseStored(CronRun, `${keys.cronRuns(app)} ${name}`, text),
        ]),
      )
    },

    async save(app: AppId, name: string, run: CronRun): Promise<void> {
      await onState(() => redis.hset(keys.cronRuns(app), name, toStored(CronRun, run)))
    },
  }
}
