import { type Redis } from 'ioredis'
import { appStore } from './apps.ts'
import { releaseStore } from './releases.ts'
import { type Secrets } from './secrets.ts'

export type Store = ReturnType<typeof createStore>

/** The state of the platform, one member per aggregate. */
export function createStore(redis: Redis, secrets: Secrets) {
  return {
    apps: appStore(redis),
    releases: releaseStore(redis),
    secrets,
    ping: async (): Promise<void> => {
      await redis.ping()
    },
  }
}
