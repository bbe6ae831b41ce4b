import { describe, expect, test } from 'vitest'
import { environmentOf, portOf } from '../../../src/deploy/environment.ts'
import { App } from '../../../src/model/app.ts'
import { ProcessType } from '../../../src/model/names.ts'
import { globalScope, type Release } from '../../../src/model/release.ts'
import { createSecrets } from '../../../src/store/secrets.ts'
import { aRelease } from '../../support/release.ts'

const secrets = createSecrets(Buffer.alloc(32, 7))
const app = App.parse({
  id: 'a00000000000000a',
  name: 'blog',
  createdAt: '2026-11-20T12:00:00.000Z',
  formation: {},
  domains: [],
  lastRelease: 12,
})
const seal = (scope: string, config: Record<string, string>) =>
  Object.fromEntries(Object.entries(config).map(([name, value]) => [name, secrets.seal(scope, name, value)]))
const release = (config: Record<string, string>, rest: Partial<Release> = {}): Release =>
  aRelease({ version: 12, config: seal(app.id, config), status: 'pending', ...rest })
const slot = { type: ProcessType.parse('worker'), index: 2 }

describe('the environment of a process', () => {
  test('has the facts in Heroku’s names and the config', () => {
    const commit = '1a2b3c4d'.repeat(5)
    expect(environmentOf(app, release({ A: '1', B: '' }, { commit }), slot, secrets)).toEqual({
      PORT: '5000',
      DYNO: 'worker.2',
      PAAS_APP: 'blog',
      PAAS_RELEASE: 'v12',
      SOURCE_VERSION: commit,
      A: '1',
      B: '',
    })
  })

  test('values come through to the byte', () => {
    const value = 'a=b "quoted" \'single\' $HOME `x`\n\ttab é 😀 \u0001'
    expect(environmentOf(app, release({ V: value }), slot, secrets)['V']).toBe(value)
  })

  test('the app’s own value wins over the one of every app', () => {
    const globalConfig = seal(globalScope, { A: 'all', B: 'all' })
    expect(environmentOf(app, release({ A: 'own' }, { globalConfig }), slot, secrets)).toMatchObject({
      A: 'own',
      B: 'all',
    })
  })
})

test.each([
  ['8080', 8080],
  ['0', 5000],
  ['65536', 5000],
  ['80.5', 5000],
  ['http', 5000],
  ['', 5000],
])('a config var PORT=%s gives port %i', (value, wanted) => {
  expect(portOf(release({}), { PORT: value })).toBe(wanted)
})
