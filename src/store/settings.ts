import { type Redis } from 'ioredis'
import { Settings } from '../model/settings.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { onState } from './redis.ts'

export function settingsStore(redis: Redis) {
  return {
    async get(): Promise<Settings> {
      const text = await onState(() => redis.get(keys.settings))
      return parseStored(Settings, keys.settings, text ?? '{}')
    },

    async save(settings: Settings): Promise<void> {
      await onState(() => redis.set(keys.settings, toStored(Settings, settings)))
    },
  }
}
