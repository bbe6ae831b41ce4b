import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { containersOf, docker, inspect } from '../support/docker.ts'
import { get, hostOf, instance, paas } from '../support/instance.ts'
import { appName, type Clone, createLaptop, type Files } from '../support/laptop.ts'
import { languageImages } from '../support/official-languages.ts'
import { eventually } from '../support/process.ts'
import { debianImage, dockerBuild, type Registry, startRegistry } from '../support/registry.ts'

// On demand, as they install much: apps on images of a registry that are made as the official ones are, each with a
// version of its language that the base does not have.

const laptop = await createLaptop('bases')
const debian = (suite: string): string => `paas-test/${suite}:${instance.name}`
let registry: Registry

beforeAll(async () => {
  registry = await startRegistry()
  for (const suite of ['bookworm', 'forky']) await debianImage(debian(suite), suite)
}, 600_000)
afterAll(async () => {
  await laptop[Symbol.asyncDispose]()
  for (const suite of ['bookworm', 'forky']) await docker('rmi', '--force', debian(suite))
  await registry.remove()
}, 120_000)

const json = JSON.stringify
type Case = {
  language: keyof typeof languageImages
  sample: string
  files?: Files
  says: RegExp
  change: Files
  cached: RegExp
}
const cases: Case[] = [
  {
    language: 'node',
    sample: 'node-npm',
    says: /"node":"v22\..*"esbuild":false/,
    change: { 'note.txt': 'changed' },
    cached: /install\.sh +CACHED/,
  },
  {
    language: 'python',
    sample: 'python-wheel',
    says: /"python": "3\.11\./,
    change: { 'note.txt': 'changed' },
    cached: /install\.sh +CACHED/,
  },
  {
    language: 'ruby',
    sample: 'ruby-vendored',
    says: /on Ruby 3\.1\./,
    change: { 'note.txt': 'changed' },
    cached: /install\.sh +CACHED/,
  },
  {
    language: 'php',
    sample: 'php-plain',
    files: {
      'composer.json': json({
        require: { 'ext-bcmath': '*', 'ext-zip': '*' },
        autoload: { 'psr-4': { 'Shop\\': 'src/' } },
      }),
      'composer.lock': json({
        'content-hash': '0',
        packages: [],
        'packages-dev': [],
        platform: { 'ext-bcmath': '*', 'ext-zip': '*' },
        'platform-dev': {},
      }),
      'src/Shop.php': "<?php\nnamespace Shop;\nclass Shop { const SUM = 'composed'; }\n",
      'public/index.php': `<?php
require __DIR__ . '/../vendor/autoload.php';
echo json_encode([PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION, bcadd('1', '2'), class_exists('ZipArchive'), Shop\\Shop::SUM]);
`,
    },
    says: /^\["8\.2","3",true,"composed"\]$/,
    change: { 'note.txt': 'changed' },
    cached: /runtime\.sh +CACHED/,
  },
  {
    language: 'go',
    sample: 'go-plain',
    says: /go1\.26/,
    change: { 'note.txt': 'changed' },
    cached: /go build net\/http.* +CACHED/,
  },
]

describe.each(cases)('$language', ({ language, sample, files = {}, says, change, cached }) => {
  const app = appName(language)
  let clone: Clone
  const set = (...base: string[]) => paas(['base:set', '-a', app, ...base])
  const answers = async (): Promise<void> => expect((await get(hostOf(app))).body).toMatch(says)

  test('of an official image builds and serves an app', { timeout: 600_000 }, async () => {
    const { suite, lines } = languageImages[language]
    const tag = `paas-test/${language}:${instance.name}`
    await dockerBuild(tag, lines(debian(suite)).join('\n'))
    await registry.push(tag, `${language}:official`)
    await docker('rmi', '--force', tag)
    clone = await laptop.clone(app, { from: sample, files })
    expect((await paas(['apps:create', app])).code).toBe(0)
    expect((await set(`${registry.address}/${language}:official`)).code).toBe(0)
    const deployed = await clone.deploy()
    expect(deployed.stderr).toContain(`${registry.address}/${language}:official`)
    await answers()
  })

  test(
    'again, from cache, as a user without rights that ends when it is told to',
    { timeout: 300_000 },
    async () => {
      const again = await clone.deploy(change)
      expect(again.stderr).toMatch(cached)
      await answers()
      let container: string | undefined
      await eventually('the old container is gone', 60_000, async () => {
        const running = await containersOf(app, { type: 'web' })
        container = running[0]
        return running.length === 1
      })
      expect((await docker('exec', container!, 'id', '-u')).trim()).toBe('32767')
      const began = performance.now()
      await docker('stop', '--time', '20', container!)
      expect(performance.now() - began).toBeLessThan(10_000)
      const { State } = await inspect<{ State: { ExitCode: number } }>(container!).catch(() => ({
        State: { ExitCode: 0 },
      }))
      expect(State.ExitCode).not.toBe(137)
    },
  )
})

describe('an image that cannot be built on', () => {
  const app = appName('refused')
  let clone: Clone
  beforeAll(async () => {
    clone = await laptop.clone(app)
    await clone.deploy()
  })
  const refused = async (base: string, says: RegExp): Promise<void> => {
    expect((await paas(['base:set', '-a', app, base])).code).toBe(0)
    await clone.commit({ 'note.txt': base })
    const push = await clone.push('--force', 'main')
    expect(push.code).not.toBe(0)
    expect(push.stderr).toMatch(says)
    expect((await get(hostOf(app), '/facts')).status).toBe(200)
  }

  test('as it is not there', () => refused(`${registry.address}/node:none`, /base image is not there/))

  test('as it has no apt-get', { timeout: 120_000 }, async () => {
    const tag = `paas-test/bare:${instance.name}`
    await dockerBuild(tag, `FROM ${debian('bookworm')}\nRUN rm -f /usr/bin/apt*`)
    await registry.push(tag, 'bare:1')
    await docker('rmi', '--force', tag)
    await clone.commit({ 'requirements.txt': '', 'app.py': '', 'package.json': null })
    await refused(`${registry.address}/bare:1`, /base image has no apt-get/)
  })

  test('as it lacks an extension of PHP that it cannot compile', { timeout: 120_000 }, async () => {
    const files = { 'composer.json': json({ require: { 'ext-redis': '*' } }), 'index.php': '' }
    await clone.commit({ ...files, 'requirements.txt': null, 'app.py': null })
    await refused(
      `${registry.address}/php:official`,
      /composer\.json requires ext-redis, which the base image lacks and cannot compile/,
    )
  })

  test('as its registry is away', { timeout: 120_000 }, async () => {
    await registry.stop()
    await refused(`${registry.address}/node:official`, /image's registry cannot be reached/)
    await registry.start()
  })
})
