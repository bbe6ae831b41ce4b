import { describe, expect, test } from 'vitest'
import { parseAppJson } from '../../../src/build/app-json.ts'
import { sizeBytes } from '../../../src/build/size.ts'
import { firstShape } from '../../../src/deploy/draft.ts'
import { type PaasError } from '../../../src/errors/paas-error.ts'
import { ProcessType } from '../../../src/model/names.ts'

const parse = (value: unknown) => parseAppJson(JSON.stringify(value))
const refused = (value: unknown): PaasError => {
  try {
    parse(value)
  } catch (error) {
    return error as PaasError
  }
  throw new Error(`nothing was thrown for ${JSON.stringify(value)}`)
}

test('all that Heroku and Dokku know, without a warning', () => {
  const read = parse({
    name: 'Blog',
    description: 'A blog',
    keywords: ['blog'],
    website: 'https://example.com',
    repository: 'https://example.com/blog',
    logo: 'https://example.com/logo.png',
    success_url: '/welcome',
    stack: 'heroku-24',
    addons: ['heroku-postgresql'],
    environments: { test: {} },
    env: {
      PLAIN: 'a value',
      SECRET: { description: 'a secret', generator: 'secret' },
      WANTED: { required: true },
      OPTIONAL: { required: false, value: 'x', sync: true },
    },
    formation: { web: { quantity: 2, size: 'standard-2x' }, worker: { quantity: 0, size: '768m' } },
    healthchecks: {
      web: [
        {
          type: 'startup',
          name: 'up',
          path: '/up',
          port: 80,
          status: 204,
          content: 'ok',
          attempts: 3,
          wait: 2,
        },
        { type: 'liveness', command: ['true'], timeout: 1, initialDelay: 5, uptime: 1 },
        { httpHeaders: [{ name: 'X', value: 'y' }], path: '/' },
      ],
    },
    scripts: { predeploy: 'a', postdeploy: 'b', dokku: { predeploy: 'c' } },
    cron: [
      { command: 'x', schedule: '@daily', name: 'nightly', timezone: 'Europe/Berlin' },
      { command: 'y', schedule: '* * * * *', concurrency_policy: 'forbid', timeout: 5, missed: 'skip' },
    ],
    buildpacks: [{ url: 'heroku/nodejs' }],
  })
  expect(read.warnings).toEqual([])
  expect(read).toMatchObject({
    env: {
      PLAIN: { value: 'a value', required: true, generate: false, sync: false },
      SECRET: { value: undefined, generate: true },
      WANTED: { value: undefined, required: true, generate: false },
      OPTIONAL: { value: 'x', required: false, sync: true },
    },
    formation: { web: 2, worker: 0 },
    sizes: { web: 1024 ** 3, worker: 768 * 1024 ** 2 },
    scripts: { predeploy: 'c', postdeploy: 'b' },
    buildpacks: ['heroku/nodejs'],
  })
  expect(read.cron.map(({ command }) => command)).toEqual(['x', 'y'])
  expect(read.checks['web' as ProcessType]!.map(({ type }) => type)).toEqual([
    'startup',
    'liveness',
    'startup',
  ])
})

test.each([
  [{ nmae: 'Blog' }, ['nmae']],
  [{ env: { A: { vlaue: 'x', required: false } } }, ['env.A.vlaue']],
  [{ formation: { web: { quanity: 2 } } }, ['formation.web.quanity']],
  [
    { healthchecks: { web: [{ pth: '/' }, { pth: '/', wiat: 1 }] } },
    ['healthchecks.web.pth', 'healthchecks.web.wiat'],
  ],
  [{ scripts: { predploy: 'x', dokku: { after: 'y' } } }, ['scripts.predploy', 'scripts.dokku.after']],
  [{ cron: [{ command: 'x', schedule: '@daily', when: 'never' }] }, ['cron.0.when']],
  [{ buildpacks: [{ url: 'x', version: '1' }] }, ['buildpacks.0.version']],
  [{ name: 'Blog', env: { A: 'text' } }, []],
])('%j: what nobody reads is warned about', (value, keys) => {
  expect(parse(value).warnings).toEqual(keys.map((key) => `app.json: ${key} is not known and has no effect`))
})

test.each([
  [[], /^app\.json: /],
  [{ env: [] }, /^app\.json env: /],
  [{ env: { 'A B': 'x' } }, /^app\.json env\.A B: .*letters, digits and underscores/],
  [{ env: { A: { generator: 'random' } } }, /^app\.json env\.A: a var is a string, or an object/],
  [{ env: { A: 5 } }, /^app\.json env\.A: a var is a string/],
  [{ formation: { web: { quantity: '2' } } }, /^app\.json formation\.web\.quantity: .*expected number/],
  [{ formation: { web: { quantity: 101 } } }, /^app\.json formation\.web\.quantity: .*100/],
  [{ formation: { Web: { quantity: 1 } } }, /^app\.json formation\.Web: .*lower-case letters/],
  [
    { formation: { web: { size: 'huge' } } },
    /^app\.json formation\.web\.size: a size is an amount of memory/,
  ],
  [{ formation: { web: { size: '1m' } } }, /^app\.json formation\.web\.size: .*at least 16m/],
  [{ healthchecks: { web: { path: '/' } } }, /^app\.json healthchecks\.web: .*expected array/],
  [{ healthchecks: { web: [{ type: 'readiness' }] } }, /^app\.json healthchecks\.web\.0\.type: .*"startup"/],
  [{ healthchecks: { web: [{ attempts: 0 }] } }, /^app\.json healthchecks\.web\.0\.attempts: /],
  [
    { healthchecks: { web: [{ command: 'true' }] } },
    /^app\.json healthchecks\.web\.0\.command: .*expected array/,
  ],
  [{ scripts: { predeploy: ['x'] } }, /^app\.json scripts\.predeploy: .*expected string/],
  [{ scripts: { dokku: { postdeploy: 1 } } }, /^app\.json scripts\.dokku\.postdeploy: .*expected string/],
  [{ cron: {} }, /^app\.json cron: .*expected array/],
  [{ cron: [{ schedule: '@daily' }] }, /^app\.json cron\.0\.command: /],
  [
    { cron: [{ command: 'x', schedule: '@daily', concurrency_policy: 'never' }] },
    /^app\.json cron\.0\.concurrency_policy: .*"allow"/,
  ],
  [{ cron: [{ command: 'x', schedule: '@daily', name: 'A B' }] }, /^app\.json cron\.0\.name: a name has/],
  [{ buildpacks: ['heroku/nodejs'] }, /^app\.json buildpacks\.0: .*expected object/],
])('%j is refused with its path and what is expected there', (value, message) => {
  const { code, message: said, hint } = refused(value)
  expect([code, said]).toEqual(['SOURCE_REFUSED', expect.stringMatching(message) as string])
  expect(hint).toMatch(/app\.json/)
})

describe('sizes', () => {
  test.each([
    ['512m', 512],
    ['1g', 1024],
    ['2GB', 2048],
    ['Standard-1X', 512],
    ['performance-m', 2560],
    ['', undefined],
    ['0m', undefined],
    ['1.5g', undefined],
    ['constructor', undefined],
  ])('%j', (size, mebibytes) => {
    expect(sizeBytes(size)).toBe(mebibytes === undefined ? undefined : mebibytes * 1024 ** 2)
  })

  test('count on the first release, under what was set before it', () => {
    const [web, worker] = [ProcessType.parse('web'), ProcessType.parse('worker')]
    const plan = { formation: { [web]: 2 }, sizes: { [web]: 1000, [worker]: 2000 } }
    const app = { formation: {}, limits: { [web]: { memoryBytes: 3000, pids: 50 } } }
    expect(firstShape(app, plan)).toEqual({
      formation: { web: 2 },
      limits: { web: { memoryBytes: 3000, pids: 50 }, worker: { memoryBytes: 2000 } },
    })
    expect(firstShape({ ...app, currentRelease: 1 }, plan)).toEqual({ formation: {} })
    expect(firstShape({ formation: {} }, { formation: {}, sizes: {} })).toEqual({ formation: {} })
  })
})

test('a check that is a path and a command says that the path has no effect', () => {
  const { warnings } = parse({ healthchecks: { web: [{ path: '/health', command: ['true'] }] } })
  expect(warnings).toEqual(['app.json: healthchecks.web has a path beside a command, which alone counts'])
})
