import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { authorizedKeys } from '../../../src/apps/authorized-keys.ts'
import { parsePublicKey } from '../../../src/apps/public-key.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'

const folder = mkdtempSync(join(tmpdir(), 'paas-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A key as ssh-keygen makes it, and what ssh-keygen says about it. */
function generated(type: string, bits?: number) {
  const file = join(mkdtempSync(join(folder, type)), 'key')
  const size = bits === undefined ? [] : ['-b', String(bits)]
  execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', 'me@host with "quotes"', '-f', file])
  const listed = execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`]).toString()
  return {
    text: readFileSync(`${file}.pub`, 'utf8'),
    secret: readFileSync(file, 'utf8'),
    fingerprint: listed.split(' ')[1]!,
  }
}

const ed25519 = generated('ed25519')
const [type, data] = ed25519.text.split(' ') as [string, string]

/** A blob of strings, each with its length in front. */
function blob(...fields: (string | Buffer)[]): string {
  const parts = fields.map((field) => {
    const bytes = Buffer.from(field)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  })
  return Buffer.concat(parts).toString('base64')
}

describe('parsePublicKey', () => {
  it.each([
    ['ed25519', undefined],
    ['ecdsa', 256],
    ['ecdsa', 384],
    ['ecdsa', 521],
    ['rsa', 2048],
    ['rsa', 3072],
  ])('reads %s %s as ssh-keygen does', (kind, bits) => {
    const { text, fingerprint } = generated(kind, bits)
    const parsed = parsePublicKey(text)
    expect(parsed.fingerprint).toBe(fingerprint)
    expect(parsed.comment).toBe('me@host with "quotes"')
    expect(parsed.publicKey).toBe(text.split(' ').slice(0, 2).join(' '))
  })

  it('reads keys of security keys', () => {
    const name = 'sk-ssh-ed25519@openssh.com'
    expect(parsePublicKey(`${name} ${blob(name, Buffer.alloc(32, 1), 'ssh:')}`).comment).toBe('')
    const ecdsa = 'sk-ecdsa-sha2-nistp256@openssh.com'
    expect(() =>
      parsePublicKey(`${ecdsa} ${blob(ecdsa, 'nistp256', Buffer.alloc(65, 4), 'ssh:')}`),
    ).not.toThrow()
  })

  it.each([
    ['nothing', '', 'is empty'],
    ['a private key', ed25519.secret, 'a private key'],
    ['two keys', `${ed25519.text}${ed25519.text}`, 'more than one line'],
    ['a weak RSA key', generated('rsa', 1024).text, '1024 bits is too weak'],
    ['DSA', `ssh-dss ${blob('ssh-dss', 'x', 'x', 'x', 'x')}`, 'DSA'],
    ['options in front', `command="id" ${ed25519.text}`, 'options of its own'],
    ['an option in front', `no-pty ${ed25519.text}`, 'options of its own'],
    ['environment', `environment="A=b" ${ed25519.text}`, 'options of its own'],
    ['a certificate', `ssh-ed25519-cert-v01@openssh.com ${data}`, 'a certificate'],
    ['another type in front', `ssh-rsa ${data}`, 'not of the type'],
    ['an unknown type', `ssh-foo ${data}`, 'not a type'],
    ['a type of Object', `constructor ${data}`, 'not a type'],
    ['no base64', `${type} !!!!`, 'not base64'],
    ['no key', type, 'not base64'],
    ['sloppy base64', `${type} ${data.slice(0, -1)}*`, 'not base64'],
    ['a key cut short', `${type} ${blob(type, Buffer.alloc(31))}`, 'damaged'],
    ['a key with more behind it', `${type} ${blob(type, Buffer.alloc(32), 'x')}`, 'damaged'],
    [
      'the wrong curve',
      `ecdsa-sha2-nistp256 ${blob('ecdsa-sha2-nistp256', 'nistp384', Buffer.alloc(65))}`,
      'damaged',
    ],
    ['text', 'hello there', 'not a type'],
  ])('refuses %s', (_what, text, message) => {
    expect(() => parsePublicKey(text)).toThrow(message)
  })

  it('never takes what would not be one word and one word in authorized_keys', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.string(), fc.constantFrom(' ', '\n', '\t', '"', ','), fc.string())
        .map(([a, between, b]) => `${a}${between}${ed25519.text.trim()}${between}${b}`),
    )
    fc.assert(
      fc.property(text, (line) => {
        try {
          expect(parsePublicKey(line).publicKey).toMatch(/^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*$/)
        } catch (error) {
          expect(error).toBeInstanceOf(PaasError)
        }
      }),
    )
  })
})

describe('authorizedKeys', () => {
  const key = {
    id: 'k0123456789abcde',
    name: 'alice',
    fingerprint: ed25519.fingerprint,
    publicKey: `${type} ${data}`,
    role: 'deploy' as const,
    createdAt: '2026-01-01T00:00:00Z',
  }

  it('gives each key one line that allows our program only', () => {
    const lines = authorizedKeys('/usr/local/bin/paas', [key]).trimEnd().split('\n')
    expect(lines.slice(1)).toEqual([
      `restrict,pty,command="exec /usr/local/bin/paas --ssh-key-id k0123456789abcde" ${type} ${data}`,
    ])
    expect(lines[0]).toMatch(/^#/)
  })

  it('quotes a launcher that needs it, for the shell and for sshd', () => {
    expect(authorizedKeys(`/opt/a "b" c/paas`, [key])).toContain(
      `command="exec '/opt/a \\"b\\" c/paas' --ssh-key-id`,
    )
  })
})
