import { describe, expect, test } from 'vitest'
import { Instance } from '../../../src/model/instance.ts'
import { parseSetupOptions } from '../../../src/setup/options.ts'
import { decideSettings } from '../../../src/setup/settings.ts'

const machine = { ipv6: true, usedSubnets: [] }
const decide = (argv: string[], existing?: Instance, ipv6 = true) =>
  decideSettings(parseSetupOptions(argv), existing, { ...machine, ipv6 })

describe('the machine’s own instance', () => {
  test('has the defaults that need no DNS and the well-known ports', () => {
    expect(Instance.parse(decide([]))).toEqual({
      name: 'paas',
      user: 'paas',
      domain: 'localhost',
      http: { address: '::', port: 80 },
      sshPort: 22,
      network: { bridge: 'paas0', subnet: '172.30.0.0/20' },
      dockerSocket: '/var/run/docker.sock',
    })
  })
  test('listens on IPv4 where there is no IPv6', () => {
    expect(decide([], undefined, false).http.address).toBe('0.0.0.0')
  })
})

describe('a private instance', () => {
  const argv = ['--root', '/srv/x', '--user', 'paas-test-0123456789']
  test('derives from its user names that no other instance has', () => {
    const settings = Instance.parse(decide(argv))
    expect(settings).toMatchObject({ name: 'paas-test-0123456789', user: 'paas-test-0123456789' })
    expect(settings.network.bridge).toMatch(/^paas[0-9a-f]{8}$/)
    expect(settings.network.bridge).not.toBe(decide(['--root', '/srv/y', '--user', 'paas-y']).network.bridge)
  })
})

describe('an instance that is there', () => {
  const existing: Instance = {
    ...decide(['--domain', 'apps.example.com', '--http-port', '8080']),
    routerWorkers: 3,
  }
  test('keeps what is not asked for, whatever the machine looks like now', () => {
    const later = { ipv6: false, usedSubnets: [{ address: 0xac1e0000, bits: 16 }] }
    expect(decideSettings(parseSetupOptions([]), existing, later)).toEqual(existing)
  })
  test('takes over what is asked for', () => {
    expect(decide(['--domain', 'example.org'], existing)).toEqual({ ...existing, domain: 'example.org' })
  })
})
