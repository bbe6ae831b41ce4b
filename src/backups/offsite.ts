import { type Platform } from '../apps/platform.ts'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type OffsiteStore } from '../model/backup.ts'
import { type Bucket, openBucket } from './s3.ts'

const scopeOf = (name: string): string => `store:${name}`
const secretName = 'SECRET_ACCESS_KEY'

/** Remembers an off-site store once it has been written to, read and cleaned. Throws INVALID_INPUT, SERVICE_EXISTS. */
export async function addStore(
  { store: { backups, secrets } }: Platform,
  wanted: OffsiteStore,
): Promise<void> {
  if ((await backups.stores.get(wanted.name)) !== undefined) {
    throw new PaasError('SERVICE_EXISTS', `There is a store named ${wanted.name} already.`, {
      hint: `paas backups:stores:remove ${wanted.name}`,
    })
  }
  const bucket = await openBucket({ store: wanted, secretAccessKey: wanted.secretAccessKey })
  try {
    await bucket.tryOut()
  } catch (error) {
    throw new PaasError('INVALID_INPUT', `The bucket ${wanted.bucket} cannot be used: ${messageOf(error)}`, {
      hint: 'Are endpoint, region and both keys right, and may the keys write, read and delete?',
      cause: error,
    })
  }
  const sealed = secrets.seal(scopeOf(wanted.name), secretName, wanted.secretAccessKey)
  await backups.stores.set(wanted.name, { ...wanted, secretAccessKey: sealed })
}

/** The bucket of a store. Throws NOT_FOUND. */
export async function bucketOf({ store: { backups, secrets } }: Platform, name: string): Promise<Bucket> {
  const store = await storeOf({ backups }, name)
  const secretAccessKey = secrets.open(scopeOf(name), secretName, store.secretAccessKey)
  return openBucket({ store, secretAccessKey })
}

/** Throws NOT_FOUND. */
export async function storeOf(
  { backups }: Pick<Platform['store'], 'backups'>,
  name: string,
): Promise<OffsiteStore> {
  const store = await backups.stores.get(name)
  if (store !== undefined) return store
  throw new PaasError('NOT_FOUND', `There is no off-site store named ${JSON.stringify(name)}.`, {
    hint: 'What there is: paas backups:stores:list',
  })
}
