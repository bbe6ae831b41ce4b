import { z } from 'zod'
import { AppName } from './names.ts'

/** From least to most; each includes those before it. */
export const accessLevels = ['read', 'deploy', 'manage', 'admin'] as const
export const Access = z.enum(accessLevels)
/**
 * What a command needs and a key's role gives. read: see apps and logs. deploy: push, config, scale.
 * manage: create, rename, destroy, domains. admin: keys and the server itself.
 */
export type Access = z.infer<typeof Access>

export const Key = z.strictObject({
  /** Random id, the only thing about a key that authorized_keys carries. */
  id: z.string().regex(/^k[0-9a-z]{15}$/),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/),
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  fingerprint: z.string(),
  /** `ssh-ed25519 AAAA…`: type and base64 only, the comment dropped. */
  publicKey: z.string(),
  role: Access,
  /** The apps that the key may touch; undefined: all. */
  apps: z.array(AppName).optional(),
  createdAt: z.iso.datetime(),
})
export type Key = z.infer<typeof Key>

/** Who is asking: root on the server, or the holder of an SSH key. */
export type Identity = { via: 'root' } | { via: 'ssh'; key: Key }

export function identityName(identity: Identity): string {
  return identity.via === 'root' ? 'root' : identity.key.name
}
