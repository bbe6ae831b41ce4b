import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { containersOf, docker, inspect } from '../support/docker.ts'
import { get, hostOf, instance, paas } from '../support/instance.ts'
import { appName, type Clone, createLaptop, type Files } from '../support/laptop.ts'
import { mavenApp, mavenRepository } from '../support/java-apps.ts'
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
  /** Puts vendored packages into the clone. */
  prepare?: (folder: string) => Promise<string>
  says: RegExp
  cached: RegExp
  /** Programs that may not be in the app's image. */
  without?: string
  /** A change that the push refuses, and how. */
  refused?: [files: Files, says: RegExp]
}
/** A function that C's library has from 2.42 on. */
const newerThanBase = `extern "C" {
    fn pthread_self() -> usize;
    fn pthread_gettid_np(thread: usize) -> i32;
}
fn main() {
    println!("{}", unsafe { pthread_gettid_np(pthread_self()) });
}
`
const elixirProject = `defmodule Hello.MixProject do
  use Mix.Project
  def project, do: [app: :hello, version: "1.0.0", elixir: "~> 1.14.0", deps: [{:greeting, path: "vendor/greeting"}]]
  def application, do: [extra_applications: [:logger, :crypto], mod: {Hello, []}]
end
`
const noProbe: Files = { Procfile: null, 'package.json': null, 'server.js': null, 'version.js': null }
const cases: Case[] = [
  {
    language: 'node',
    sample: 'node-npm',
    says: /"node":"v22\..*"esbuild":false/,
    cached: /install\.sh +CACHED/,
  },
  {
    language: 'python',
    sample: 'python-wheel',
    says: /"python": "3\.11\./,
    cached: /install\.sh +CACHED/,
  },
  {
    language: 'ruby',
    sample: 'ruby-vendored',
    says: /on Ruby 3\.1\./,
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
    cached: /runtime\.sh +CACHED/,
  },
  {
    language: 'go',
    sample: 'go-plain',
    says: /go1\.26/,
    cached: /go build net\/http.* +CACHED/,
    without: 'go gcc',
  },
  {
    language: 'rust',
    sample: 'rust-plain',
    // rustup has one toolchain, and takes it whatever it is called here.
    files: { 'rust-toolchain.toml': '[toolchain]\nchannel = "1.97"\ncomponents = ["clippy"]\n' },
    says: /Hello from rust-plain/,
    cached: /command -v cargo.* +CACHED/,
    without: 'cargo rustc gcc',
    refused: [
      { 'src/main.rs': newerThanBase },
      /rust-plain needs GLIBC_2\.42, which the base of paas does not have\.[^]*name one of Debian trixie or older/,
    ],
  },
  {
    language: 'elixir',
    sample: 'elixir-plain',
    files: { 'mix.exs': elixirProject },
    says: /hello from elixir/,
    cached: /deps\.sh +CACHED/,
    without: 'mix elixir gcc',
  },
  ...(['java-jdk', 'java-jre', 'java-maven'] as const).map((language): Case => ({
    language,
    sample: 'probe',
    files: { ...noProbe, ...mavenApp(17) },
    prepare: mavenRepository,
    says: /^\{"java":17\}$/,
    cached: /runtime\.sh jdk +CACHED/,
    without: language === 'java-jre' ? 'mvn javac' : language === 'java-jdk' ? 'mvn' : '',
  })),
]

describe.each(cases)(
  '$language',
  ({ language, sample, files = {}, prepare, says, cached, without = '', refused }) => {
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
      await prepare?.(clone.folder)
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
        const again = await clone.deploy({ 'note.txt': 'changed' })
        expect(again.stderr).toMatch(cached)
        await answers()
        let container: string | undefined
        await eventually('the old container is gone', 60_000, async () => {
          const running = await containersOf(app, { type: 'web' })
          container = running[0]
          return running.length === 1
        })
        const looked = `id -u; for tool in ${without}; do command -v $tool || :; done`
        expect((await docker('exec', container!, 'sh', '-c', looked)).trim()).toBe('32767')
        const began = performance.now()
        await docker('stop', '--time', '20', container!)
        expect(performance.now() - began).toBeLessThan(10_000)
        const { State } = await inspect<{ State: { ExitCode: number } }>(container!).catch(() => ({
          State: { ExitCode: 0 },
        }))
        expect(State.ExitCode).not.toBe(137)
      },
    )

    test.runIf(refused)('not what the base lacks something for', { timeout: 300_000 }, async () => {
      const [change, why] = refused!
      await clone.commit(change)
      const push = await clone.push()
      expect(push.code).not.toBe(0)
      expect(push.stderr).toMatch(why)
    })
  },
)

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
