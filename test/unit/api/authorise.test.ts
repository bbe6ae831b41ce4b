import { describe, expect, it } from 'vitest'
import { authorise, mayUse } from '../../../src/api/authorise.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { type Access, accessLevels, type Identity } from '../../../src/model/key.ts'
import { AppName } from '../../../src/model/names.ts'

function holder(role: Access, apps?: string[]): Identity {
  const scope = apps && { apps: apps.map((app) => AppName.parse(app)) }
  return {
    via: 'ssh',
    key: { id: 'k0', name: 'alice', fingerprint: 'f', publicKey: 'p', role, createdAt: '', ...scope },
  }
}

const levels: [Access, Access][] = accessLevels.flatMap((role) =>
  accessLevels.map((needed): [Access, Access] => [role, needed]),
)

describe('authorise', () => {
  it.each(levels)('role %s for what needs %s', (role, needed) => {
    const enough = accessLevels.indexOf(role) >= accessLevels.indexOf(needed)
    for (const app of [undefined, { name: 'blog' }]) expect(mayUse(holder(role), needed, app)).toBe(enough)
  })

  it.each(accessLevels)('root may do what needs %s', (needed) => {
    expect(() => authorise({ via: 'root' }, needed)).not.toThrow()
  })

  it('keeps a key of some apps to them', () => {
    const scoped = holder('manage', ['blog'])
    expect(mayUse(scoped, 'manage', { name: 'blog' })).toBe(true)
    expect(mayUse(scoped, 'read', { name: 'shop' })).toBe(false)
    expect(mayUse(scoped, 'read')).toBe(true)
    expect(mayUse(scoped, 'deploy')).toBe(false)
    expect(mayUse(scoped, 'manage')).toBe(false)
    expect(mayUse(holder('admin', []), 'read', { name: 'blog' })).toBe(false)
  })

  it('answers a scoped key the same for an app of others and one that is not there', () => {
    const refusal = (name: string): string => {
      try {
        authorise(holder('deploy', ['blog']), 'read', { name })
      } catch (error) {
        if (error instanceof PaasError && error.exitCode === 4) return error.message.replace(name, 'X')
      }
      throw new Error('was let in')
    }
    expect(refusal('exists')).toBe(refusal('does-not'))
  })

  it('says which role is needed', () => {
    expect(() => authorise(holder('read'), 'manage')).toThrow(
      'needs the role manage; the key alice has the role read',
    )
  })
})
