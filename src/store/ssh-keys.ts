import { type Redis } from 'ioredis'
import { Key } from '../model/key.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { onState } from './redis.ts'

export type SshKeyStore = ReturnType<typeof sshKeyStore>

/** The SSH keys that may use the server, by their random ids. */
export function sshKeyStore(redis: Redis) {
  return {
    async get(id: string): Promise<Key | undefined> {
      const text = await onState(() => redis.hget(keys.sshKeys, id))
      return text === null ? undefined : parseStored(Key, `${keys.sshKeys} ${id}`, text)
    },

    /** All keys, sorted by name. */
    async list(): Promise<Key[]> {
      const texts = await onState(() => redis.hgetall(keys.sshKeys))
      return Object.entries(texts)
        .map(([id, text]) => parseStored(Key, `${keys.sshKeys} ${id}`, text))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },

    async save(key: Key): Promise<void> {
      await onState(() => redis.hset(keys.sshKeys, key.id, toStored(Key, key)))
    },

    async remove(id: string): Promise<void> {
      await onState(() => redis.hdel(keys.sshKeys, id))
    },
  }
}
