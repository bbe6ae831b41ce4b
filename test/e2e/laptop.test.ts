import { afterAll, beforeAll, expect, test } from 'vitest'
import { get, hostOf, paas, probe } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'

const app = appName('trip')
const owner = await createLaptop('owner')
const deployer = await createLaptop('deployer', { role: 'deploy', apps: [app] })
const reader = await createLaptop('reader', { role: 'read', apps: [app] })
const stranger = await createLaptop('stranger', { role: 'deploy', apps: [appName('other')] })
let clone: Clone

beforeAll(async () => {
  clone = await owner.clone(app)
  await clone.deploy()
})
afterAll(async () => {
  for (const laptop of [owner, deployer, reader, stranger]) await laptop[Symbol.asyncDispose]()
})

test('a clone with a remote named paas is all that paas needs to know', async () => {
  const cwd = clone.folder
  const set = await owner.paas(['config:set', 'GREETING=hello there'], { cwd })
  expect(set.output).toMatch(/GREETING/)
  expect(set.code).toBe(0)
  expect(JSON.parse((await get(hostOf(app), '/environment')).body)).toMatchObject({ GREETING: 'hello there' })
  expect((await owner.paas(['config:get', 'GREETING'], { cwd })).stdout).toBe('hello there\n')

  const processes = await owner.paas(['ps'], { cwd })
  expect(processes.code).toBe(0)
  expect(processes.stdout).toMatch(/web\.1/)
  const logs = await owner.paas(['logs'], { cwd })
  expect(logs.code).toBe(0)
  expect(logs.stdout).toMatch(/probe 1 listens on 5000/)
})

test('the same commands work over plain ssh', async () => {
  expect((await owner.ssh('apps:list', '--json')).stdout).toContain(`"${app}"`)
  const unknown = await owner.ssh('ps', '-a', appName('nobody'))
  expect(unknown.code).toBe(3)
})

test('a key does what its role allows, on its apps only', async () => {
  expect((await deployer.ssh('config:set', '-a', app, 'BY=deployer')).code).toBe(0)
  expect((await deployer.ssh('apps:destroy', '-a', app, '--confirm', app)).code).toBe(4)
  expect((await reader.ssh('ps', '-a', app)).code).toBe(0)
  expect((await reader.ssh('config:set', '-a', app, 'BY=reader')).code).toBe(4)
  for (const words of [
    ['ps', '-a', app],
    ['config:set', '-a', app, 'BY=stranger'],
    ['apps:destroy', '-a', app, '--confirm', app],
  ]) {
    expect((await stranger.ssh(...words)).code).toBe(4)
  }
  expect((await stranger.ssh('apps:list')).stdout).not.toContain(app)
  expect(JSON.parse((await get(hostOf(app), '/environment')).body)).toMatchObject({ BY: 'deployer' })
})

test.each([
  ['reader', reader],
  ['stranger', stranger],
])('a push of a %s is refused before anything is sent', async (_, laptop) => {
  const theirs = await laptop.clone(app)
  const push = await theirs.push('+main')
  expect(push.code).not.toBe(0)
  expect(push.output).not.toMatch(/Received/)
  expect((await probe(app)).version).toBe('1')
})

test('a push of another branch is refused loudly, and changes nothing', async () => {
  await clone.git('switch', '--quiet', '--create', 'feature')
  await clone.commit({ 'version.js': "export const version = 'feature'\n" })
  const push = await clone.push('feature')
  expect(push.code).not.toBe(0)
  expect(push.output).toMatch(/feature:main/)
  expect((await probe(app)).version).toBe('1')
  expect(await clone.git('ls-remote', 'paas')).not.toMatch(/feature/)

  expect((await clone.push('feature:main')).code).toBe(0)
  expect((await probe(app)).version).toBe('feature')
  expect((await clone.push(':main')).code).not.toBe(0)
  expect((await probe(app)).version).toBe('feature')
})

test('a key that is removed is out at once', async () => {
  const guest = await createLaptop('guest', { role: 'read' })
  expect((await guest.ssh('apps:list')).code).toBe(0)
  await paas(['keys:remove', guest.name])
  expect((await guest.ssh('apps:list')).code).not.toBe(0)
  await guest[Symbol.asyncDispose]()
})
