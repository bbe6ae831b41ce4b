import { PaasError } from '../errors/paas-error.ts'
import { randomId } from '../lib/ids.ts'
import { type Access, Key } from '../model/key.ts'
import { type AppName } from '../model/names.ts'
import { writeAuthorizedKeys } from './authorized-keys.ts'
import { type Platform } from './platform.ts'
import { parsePublicKey } from './public-key.ts'

export type NewKey = {
  name: string
  /** Text of a `.pub` file. */
  text: string
  role: Access
  /** The only apps it may touch; undefined: all. They need not exist yet. */
  apps?: AppName[]
}

/** Lets a key use the server. Throws INVALID_INPUT, or KEY_EXISTS where the name or the key itself is known. */
export function addKey(platform: Platform, actor: string, { name, text, role, apps }: NewKey): Promise<Key> {
  const { publicKey, fingerprint } = parsePublicKey(text)
  const parsed = Key.shape.name.safeParse(name)
  if (!parsed.success) {
    throw new PaasError('INVALID_INPUT', `${JSON.stringify(name)} cannot be the name of a key.`, {
      hint: 'A name has letters, digits and . _ @ + -, starts with a letter or digit, and has at most 64.',
    })
  }
  if (role === 'admin' && apps !== undefined) {
    throw new PaasError('INVALID_INPUT', 'An admin may do everything; a key of some apps has another role.', {
      hint: 'Use --role manage, deploy or read.',
    })
  }
  return platform.queues.run('keys', { owner: actor, verb: 'keys:add' }, async () => {
    const known = await platform.store.sshKeys.list()
    const same = known.find((other) => other.fingerprint === fingerprint)
    if (same !== undefined) throw taken(`This key is here already, named ${same.name}.`, same.name)
    if (known.some((other) => other.name === name)) throw taken(`There is a key named ${name} already.`, name)
    const createdAt = platform.now().toISOString()
    const key: Key = {
      id: randomId('k'),
      name,
      fingerprint,
      publicKey,
      role,
      ...(apps && { apps }),
      createdAt,
    }
    await platform.store.sshKeys.save(key)
    await writeAuthorizedKeys(platform)
    return key
  })
}

/** Forgets a key; what it has open ends. Throws NOT_FOUND. */
export function removeKey(platform: Platform, actor: string, name: string): Promise<Key> {
  return platform.queues.run('keys', { owner: actor, verb: 'keys:remove' }, async () => {
    const key = (await platform.store.sshKeys.list()).find((other) => other.name === name)
    if (key === undefined) {
      throw new PaasError('NOT_FOUND', `There is no key named ${JSON.stringify(name)}.`, {
        hint: 'The keys are in `paas keys:list`.',
      })
    }
    await platform.store.sshKeys.remove(key.id)
    await writeAuthorizedKeys(platform)
    return key
  })
}

/** A renamed app stays open to the keys that were given it. */
export function renameAppOfKeys(
  platform: Platform,
  actor: string,
  oldName: AppName,
  newName: AppName,
): Promise<void> {
  return platform.queues.run('keys', { owner: actor, verb: 'apps:rename' }, async () => {
    for (const key of await platform.store.sshKeys.list()) {
      if (key.apps?.includes(oldName) !== true) continue
      const apps = key.apps.map((name) => (name === oldName ? newName : name))
      await platform.store.sshKeys.save({ ...key, apps })
    }
  })
}

function taken(message: string, name: string): PaasError {
  return new PaasError('KEY_EXISTS', message, { hint: `To replace it: paas keys:remove ${name}` })
}
