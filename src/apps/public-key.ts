import { createHash } from 'node:crypto'
import { PaasError } from '../errors/paas-error.ts'

export type PublicKey = {
  /** `ssh-ed25519 AAAA…`, the comment dropped. */
  publicKey: string
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  fingerprint: string
  /** What followed the key; empty where nothing did. */
  comment: string
}

/** Bytes of an ECDSA point, uncompressed, by the curve's name (RFC 5656 section 3.1). */
const curves: Record<string, number> = { nistp256: 65, nistp384: 97, nistp521: 133 }

const leastRsaBits = 2048

/** Key type → checks the fields after the type's name; undefined when they are right. */
const checks: Record<string, (fields: Buffer[]) => string | undefined> = {
  'ssh-ed25519': ([key, ...more]) => shaped(key?.length === 32 && more.length === 0),
  'ssh-rsa': ([, modulus, ...more]) => {
    if (modulus === undefined || more.length > 0) return shaped(false)
    const bits = bitLength(modulus)
    return bits >= leastRsaBits
      ? undefined
      : `an RSA key of ${bits} bits is too weak; it takes ${leastRsaBits}`
  },
  'ecdsa-sha2-nistp256': ecdsa('nistp256'),
  'ecdsa-sha2-nistp384': ecdsa('nistp384'),
  'ecdsa-sha2-nistp521': ecdsa('nistp521'),
  // Security keys: the key and the application that it was made for (OpenSSH's PROTOCOL.u2f).
  'sk-ssh-ed25519@openssh.com': ([key, application, ...more]) =>
    shaped(key?.length === 32 && application !== undefined && more.length === 0),
  'sk-ecdsa-sha2-nistp256@openssh.com': ([curve, point, application, ...more]) =>
    ecdsa('nistp256')([curve, point].filter((field) => field !== undefined)) ??
    shaped(application !== undefined && more.length === 0),
}

/**
 * Reads one OpenSSH public key (a `.pub` file): type, base64, comment. The base64 must hold exactly a key of
 * that type. Throws INVALID_INPUT saying what it is instead.
 */
export function parsePublicKey(text: string): PublicKey {
  const line = text.trim()
  if (line === '') throw invalid('the key is empty', 'Give a file: paas keys:add NAME ~/.ssh/id_ed25519.pub')
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(line) || line.startsWith('PuTTY-User-Key-File')) {
    throw invalid('this is a private key, which belongs to you alone', 'Give the file that ends in .pub.')
  }
  if (/[\r\n]/.test(line)) throw invalid('there is more than one line', 'Add keys one at a time.')
  const [type = '', data = '', ...comment] = line.split(/[ \t]+/)
  const check = Object.hasOwn(checks, type) ? checks[type] : undefined
  if (check === undefined) throw invalid(unknownType(type), `Make one with: ssh-keygen -t ed25519`)
  const blob = Buffer.from(data, 'base64')
  if (data === '' || blob.toString('base64') !== data) throw invalid('its second word is not base64')
  const [name, ...fields] = readFields(blob)
  if (name?.toString('latin1') !== type) throw invalid(`the key inside is not of the type ${type}`)
  const problem = check(fields)
  if (problem !== undefined) throw invalid(problem, 'Make one with: ssh-keygen -t ed25519')
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  return { publicKey: `${type} ${data}`, fingerprint: `SHA256:${digest}`, comment: comment.join(' ') }
}

function unknownType(type: string): string {
  if (type === 'ssh-dss') return 'DSA keys are broken and sshd does not take them'
  if (type.includes('-cert-v01@')) return 'this is a certificate; add the key itself'
  if (/[=,"]/.test(type) || /^(?:restrict|no-|cert-authority|command|environment|permitopen)/.test(type)) {
    return 'a key must not bring options of its own'
  }
  return `${JSON.stringify(type.slice(0, 40))} is not a type of SSH key that is taken here`
}

/** The strings of a key blob, each with its length in front (RFC 4251 section 5); all of it, or none. */
function readFields(blob: Buffer): Buffer[] {
  const fields: Buffer[] = []
  let at = 0
  while (at < blob.length) {
    if (blob.length - at < 4) return []
    const end = at + 4 + blob.readUInt32BE(at)
    if (end > blob.length) return []
    fields.push(blob.subarray(at + 4, end))
    at = end
  }
  return fields
}

function ecdsa(curve: string): (fields: Buffer[]) => string | undefined {
  return ([name, point, ...more]) =>
    shaped(name?.toString('latin1') === curve && point?.length === curves[curve] && more.length === 0)
}

function bitLength(integer: Buffer): number {
  const first = integer.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (integer.length - first) * 8 - Math.clz32(integer[first]!) + 24
}

const shaped = (right: boolean): string | undefined =>
  right ? undefined : 'the key is damaged: its parts do not fit its type'

function invalid(reason: string, hint?: string): PaasError {
  return new PaasError(
    'INVALID_INPUT',
    `Not a usable public key: ${reason}.`,
    hint === undefined ? {} : { hint },
  )
}
