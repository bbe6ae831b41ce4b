import { expect, test } from 'vitest'
import { parseAppJson } from '../../../src/build/app-json.ts'
import { type Planned } from '../../../src/deploy/build-and-release.ts'
import { draftFrom, refuseSizes } from '../../../src/deploy/draft.ts'
import { type Image } from '../../../src/model/release.ts'
import { createSecrets } from '../../../src/store/secrets.ts'

const secrets = createSecrets(Buffer.alloc(32, 7))
const app = { id: 'a00000000000000a', name: 'blog', formation: {} } as unknown as Planned['app']

/** The config of the release of a push whose app.json asks for this; set values by name, `global` for every app. */
function configFor(
  env: object,
  set: Record<string, string> = {},
  global: string[] = [],
): Record<string, string> {
  const plan = parseAppJson(JSON.stringify({ env })) as unknown as Planned['plan']
  const config = Object.fromEntries(
    Object.entries(set).map(([name, value]) => [name, secrets.seal(app.id, name, value)]),
  )
  const globalConfig = Object.fromEntries(global.map((name) => [name, secrets.seal('global', name, 'all')]))
  const draft = draftFrom(
    { app, plan, description: '' } as Planned,
    {} as Image,
    { config, globalConfig },
    secrets,
  )
  return secrets.openAll(app.id, draft.config)
}

test('app.json gives values where none is set', () => {
  expect(configFor({ A: 'a', B: { value: 'b' } }, { B: 'mine', C: 'c' })).toEqual({
    A: 'a',
    B: 'mine',
    C: 'c',
  })
  expect(configFor({ A: { value: 'a', sync: true } }, { A: 'mine' })).toEqual({ A: 'a' })
  expect(configFor({ A: { required: false } })).toEqual({})
})

test('a secret is made up once', () => {
  expect(configFor({ S: { generator: 'secret' } })['S']).toMatch(/^[0-9a-f]{64}$/)
  expect(configFor({ S: { generator: 'secret', sync: true } }, { S: 'kept' })).toEqual({ S: 'kept' })
})

test('what is required and not set is refused by name; what every app has is set', () => {
  const env = { TOKEN: { required: true }, OTHER: {} }
  expect(() => configFor(env, { OTHER: 'x' })).toThrow('app.json requires TOKEN, which is not set.')
  expect(() => configFor(env)).toThrow('app.json requires TOKEN, OTHER, which are not set.')
  expect(configFor(env, { OTHER: 'x' }, ['TOKEN'])).toEqual({ OTHER: 'x' })
  expect(configFor({ S: { generator: 'secret' }, A: 'a' }, {}, ['S', 'A'])).toEqual({})
})

test('more memory than the server has is refused where app.json’s size counts', () => {
  const plan = parseAppJson(
    JSON.stringify({ formation: { web: { size: '2g' }, worker: { size: 'performance-l' } } }),
  ) as unknown as Planned['plan']
  const refusal = (more: object, gibibytes?: number) => (): void => {
    const machine = { memoryBytes: gibibytes === undefined ? undefined : gibibytes * 1024 ** 3 }
    refuseSizes({ app: { ...app, ...more }, plan }, machine)
  }
  expect(refusal({}, 1)).toThrow('app.json gives web more memory than the server has, which is 1024 MiB.')
  expect(refusal({}, 4)).toThrow('app.json gives worker more memory')
  for (const fits of [
    refusal({}, 64),
    refusal({}),
    refusal({ limits: { web: { memoryBytes: 1024 ** 3 }, worker: { memoryBytes: 1024 ** 3 } } }, 1),
    refusal({ currentRelease: 3 }, 1),
  ]) {
    expect(fits).not.toThrow()
  }
})
