import { type Redis } from 'ioredis'
import { type SealedConfig } from '../model/release.ts'
import { keys } from './keys.ts'
import { execAll, onState } from './redis.ts'

/** Config that every app has; sealed under the scope `global`. */
export function globalConfigStore(redis: Redis) {
  return {
    get: (): Promise<SealedConfig> => onState(() => redis.hgetall(keys.globalConfig)),

    async save(config: SealedConfig): Promise<void> {
      const multi = redis.multi().del(keys.globalConfig)
      if (Object.keys(config).length > 0) multi.hset(keys.globalConfig, config)
      await execAll(multi)
    },
  }
}
