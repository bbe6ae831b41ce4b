import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostileLines, inParallel } from '../support/hostile-lines.ts'
import { paas, paasJson, paths } from '../support/instance.ts'
import { appName, createLaptop, type Laptop } from '../support/laptop.ts'

/** Which programs this starts is watched in test/integration/client/hostile.test.ts; here is the installed thing. */
describe('an installed server, given hostile commands over ssh', () => {
  let mallory: Laptop
  let shop: string

  beforeAll(async () => {
    mallory = await createLaptop('mallory', { role: 'deploy', apps: ['blog'] })
    shop = appName('shop')
    expect((await paas(['apps:create', shop])).code).toBe(0)
  })
  afterAll(async () => {
    await mallory[Symbol.asyncDispose]()
    await paas(['apps:destroy', '-a', shop, '--confirm', shop])
  })

  it('refuses every one with one clear message and changes nothing', async () => {
    const state = async () => ({
      apps: (await paasJson<{ name: string }[]>('apps:list')).map(({ name }) => name),
      keys: (await paasJson<{ name: string }[]>('keys:list')).map(({ name }) => name),
      repositories: await readdir(paths.repos),
    })
    const before = await state()
    const lines = hostileLines.map((line) => line.replaceAll('shop', shop))
    for (const refusal of await inParallel(lines, async (line) => ({
      line,
      ...(await mallory.ssh('--', line)),
    }))) {
      const shown = `${JSON.stringify(refusal.line.slice(0, 60))}: ${refusal.output}`
      expect([2, 4], shown).toContain(refusal.code)
      expect(refusal.stdout, shown).toBe('')
      expect(refusal.stderr, shown).toMatch(/^ !     [^\n]+\n/)
    }
    expect(await state()).toEqual(before)
  }, 180_000)

  it('answers for an app of others as for one that is not there', async () => {
    const of = async (app: string) => {
      const { code, stderr } = await mallory.ssh('config:list', '-a', app)
      return { code, stderr: stderr.replaceAll(app, 'APP') }
    }
    expect(await of(shop)).toEqual(await of(appName('never')))
    expect((await of(shop)).code).toBe(4)
    expect((await mallory.ssh('apps:list')).stdout).not.toContain(shop)
  })
})
