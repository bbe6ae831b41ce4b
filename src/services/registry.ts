import { PaasError } from '../errors/paas-error.ts'
import { mariadb } from './mariadb/mariadb.ts'
import { memcached } from './memcached/memcached.ts'
import { postgres } from './postgres/postgres.ts'
import { rabbitmq } from './rabbitmq/rabbitmq.ts'
import { redis } from './redis/redis.ts'
import { s3 } from './s3/s3.ts'
import { type Datastore } from './service.ts'

/** Every datastore there is. */
export const datastores: readonly Datastore[] = [postgres, mariadb, redis, memcached, rabbitmq, s3]

/** The datastore of a stored kind. */
export function datastoreOf({ kind }: { kind: string }): Datastore {
  const found = datastores.find((datastore) => datastore.kind === kind)
  if (found === undefined)
    throw new PaasError('STATE_CORRUPT', `There are services of the unknown kind ${kind}.`)
  return found
}

/** The datastore of a word that somebody typed; undefined for any other word. */
export function findDatastore(word: string): Datastore | undefined {
  return datastores.find(({ kind, aliases }) => kind === word || aliases.includes(word))
}
