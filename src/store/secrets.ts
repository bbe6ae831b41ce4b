import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { PaasError } from '../errors/paas-error.ts'
import { type SealedConfig } from '../model/release.ts'

const version = 1
/** All of it: a shorter tag, which a cut value would have, is easier to forge. */
const authTagLength = 16

export type Secrets = ReturnType<typeof createSecrets>

/**
 * Encryption at rest: AES-256-GCM with a random 96-bit IV, a key per scope (an app's or a service's id)
 * derived by HKDF-SHA-256 from the master key, and version, scope and name as additional data, so that a
 * value moved to another app or name does not open. Sealed form: base64 of version byte, IV, tag, ciphertext.
 */
export function createSecrets(masterKey: Buffer) {
  if (masterKey.length !== 32) throw new PaasError('STATE_CORRUPT', 'The master key is not 32 bytes long.')
  const derived = new Map<string, Buffer>()

  function keyOf(scope: string): Buffer {
    let key = derived.get(scope)
    if (key === undefined) {
      key = Buffer.from(hkdfSync('sha256', masterKey, scope, 'paas config', 32))
      derived.set(scope, key)
    }
    return key
  }

  function seal(scope: string, name: string, value: string): string {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', keyOf(scope), iv, { authTagLength })
    cipher.setAAD(additional(scope, name))
    const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(version), iv, cipher.getAuthTag(), text]).toString('base64')
  }

  function open(scope: string, name: string, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64')
    try {
      if (bytes[0] !== version) throw new Error(`unknown version ${bytes[0] ?? 'none'}`)
      const decipher = createDecipheriv('aes-256-gcm', keyOf(scope), bytes.subarray(1, 13), { authTagLength })
      decipher.setAAD(additional(scope, name))
      decipher.setAuthTag(bytes.subarray(13, 29))
      return Buffer.concat([decipher.update(bytes.subarray(29)), decipher.final()]).toString('utf8')
    } catch (error) {
      throw new PaasError('STATE_CORRUPT', `The stored value of ${name} cannot be decrypted.`, {
        hint: 'Is /etc/paas/master.key the one that this state was written with?',
        cause: error,
      })
    }
  }

  return {
    seal,
    open,
    openAll: (scope: string, sealed: SealedConfig): Record<string, string> =>
      Object.fromEntries(Object.entries(sealed).map(([name, value]) => [name, open(scope, name, value)])),
  }
}

function additional(scope: string, name: string): Buffer {
  return Buffer.from(`${version}|${scope}|${name}`)
}
