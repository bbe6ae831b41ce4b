import { expect, test } from 'vitest'
import { parseSetupOptions } from '../../../src/setup/options.ts'

test('leaves out what was not asked for', () => {
  expect(parseSetupOptions([])).toMatchObject({
    root: '/',
    user: undefined,
    httpPort: undefined,
    dockerSocket: undefined,
    baseImage: true,
  })
})

test('reads everything that bin/setup hands on', () => {
  const argv = ['--root', '/srv/x', '--user', 'paas-x', '--domain', 'Apps.Example.com', '--http-port', '8080']
  expect(
    parseSetupOptions([...argv, '--ssh-port', '2222', '--demo', '--no-base-image', '--dry-run']),
  ).toEqual({
    root: '/srv/x',
    source: '.',
    appDigest: '',
    user: 'paas-x',
    domain: 'apps.example.com',
    httpPort: 8080,
    sshPort: 2222,
    demo: true,
    baseImage: false,
    dryRun: true,
  })
})

test.each([
  ['--http-port', '0'],
  ['--http-port', '65536'],
  ['--http-port', '80x'],
  ['--ssh-port', ''],
  ['--domain', 'http://apps.example.com'],
  ['--domain', '-apps.example.com'],
  ['--domain', 'apps..example.com'],
  ['--user', 'Root'],
  ['--user', '-x'],
  ['--user', 'a-name-that-is-far-too-long'],
])('refuses %s %j', (flag, value) => {
  expect(() => parseSetupOptions([`${flag}=${value}`])).toThrow(`${flag} must be`)
})
