import { afterAll, beforeAll, expect, test } from 'vitest'
import { docker } from '../support/docker.ts'
import { paas, paasJson, probe } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'
import { mustRun } from '../support/process.ts'

const base = 'paas/base:trixie'
const laptop = await createLaptop('base')
/** base:update takes apps by their names. */
const names = ['a', 'b', 'c'].map((letter) => appName(`base-${letter}`)) as [string, string, string]
const [good, picky, waiting] = names
const clones = new Map<string, Clone>()

afterAll(async () => {
  await laptop[Symbol.asyncDispose]()
  // Whatever happened here, the base of now is what others build on.
  await mustRun('docker', ['image', 'inspect', base])
})

beforeAll(async () => {
  await olderBase()
  for (const name of names) {
    const clone = await laptop.clone(name)
    clones.set(name, clone)
    await clone.deploy()
  }
}, 300_000)

/** A base as of some other day: the same files and one more, in a layer that no newer base shares. */
async function olderBase(): Promise<void> {
  const id = (await docker('create', base, 'touch', '/etc/older-base')).trim()
  await docker('start', '--attach', id)
  const env = JSON.parse(
    await docker('image', 'inspect', '--format', '{{json .Config.Env}}', base),
  ) as string[]
  const changes = [
    ...env.map((line) => `ENV ${line.replace('=', ' ')}`),
    'LABEL paas.base.contents=older',
    'LABEL paas.base.debian=13.0',
  ]
  const tar = `${laptop.folder}/base.tar`
  await docker('export', '--output', tar, id)
  await docker('import', ...changes.flatMap((change) => ['--change', change]), tar, base)
  await docker('rm', id)
  // The stack image of Node stands on it.
  expect((await paas(['base:info'])).code).toBe(0)
}

type State = { app: string; state: string }
const states = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await paasJson<State[]>('base:status'))
      .filter(({ app }) => names.includes(app))
      .map(({ app, state }) => [app, state]),
  )

test('the plan names every app on the base, and changes nothing', async () => {
  expect(await states()).toEqual({ [good]: 'current', [picky]: 'current', [waiting]: 'current' })
  const plan = await paasJson<{ baseChanged: null; waiting: string[] }>('base:update', '--plan')
  expect(plan.waiting).toEqual(expect.arrayContaining(names))
  for (const name of names) expect((await probe(name)).release).toBe('v1')
})

test('apps are rebuilt one by one, until one fails: it keeps its release, and the next is not tried', async () => {
  // An app that lives by what only the older base has.
  await clones.get(picky)!.deploy({
    Procfile: 'web: test -e /etc/older-base && exec node server.js\n',
  })
  const update = await paas(['base:update'])
  expect(update.code, update.output).toBe(1)
  expect(update.stderr).toMatch(
    new RegExp(`${picky} does not go live on the new base and keeps its old release`),
  )
  expect(update.stderr).toMatch(new RegExp(`not tried yet: .*${waiting}`))
  expect((await probe(good)).release).toBe('v2')
  expect((await probe(picky)).release).toBe('v2')
  expect((await probe(waiting)).release).toBe('v1')
  expect(await states()).toEqual({ [good]: 'current', [picky]: 'old', [waiting]: 'old' })
}, 600_000)

test('once it is dealt with, the next one goes on where that one stopped', async () => {
  await clones.get(picky)!.deploy({ Procfile: 'web: exec node server.js\n' })
  const update = await paasJson<{ rebuilt: string[] }>('base:update')
  expect(update.rebuilt).toEqual([waiting])
  expect((await probe(waiting)).release).toBe('v2')
  expect(await states()).toEqual({ [good]: 'current', [picky]: 'current', [waiting]: 'current' })
}, 600_000)
