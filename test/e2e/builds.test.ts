import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { containersOf, docker, inspect } from '../support/docker.ts'
import { get, hostOf, paas, paasJson, probe } from '../support/instance.ts'
import { appName, type Clone, createLaptop, type Files } from '../support/laptop.ts'
import { traces } from '../support/leftovers.ts'
import { eventually, mustRun, run } from '../support/process.ts'
import { tarOf } from '../unit/build/source-of.ts'

const laptop = await createLaptop('builds')
afterAll(() => laptop[Symbol.asyncDispose]())

describe('a prebuilt image', () => {
  const app = appName('prebuilt')
  const image = `paas-e2e-${app}:v1`
  afterAll(async () => {
    await paas(['apps:destroy', '-a', app, '--confirm', app])
    await docker('rmi', '--force', image, `${image}-kept`, `${image}-sick`)
  })

  const dockerfile = (health: string): string =>
    'FROM paas/node:26\nWORKDIR /srv\nEXPOSE 7171\nUSER 4711\nENV GREETING=hello\n' +
    `HEALTHCHECK --interval=2s --retries=2 ${health}\n` +
    'ENTRYPOINT ["node", "-e"]\n' +
    `CMD ["require('http').createServer((_, r) => r.end(process.env.GREETING + ' ' + process.getuid() + ' ' + process.env.PORT)).listen(7171)"]\n`

  async function make(tag: string, health: string): Promise<void> {
    const file = join(laptop.folder, 'Dockerfile')
    await writeFile(file, dockerfile(health))
    await mustRun('docker', ['build', '--quiet', '--tag', tag, '--file', file, laptop.folder], {
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    })
  }

  beforeAll(async () => {
    expect((await paas(['apps:create', app])).code).toBe(0)
    await make(image, 'CMD test -d /srv')
  })

  test('is released as it is: its port, user, command and health check', async () => {
    const deployed = await paas(['git:from-image', app, image])
    expect(deployed.stderr).toMatch(/Building with image/)
    expect(deployed.code).toBe(0)
    expect(deployed.stdout).toBe(`v1 of ${app} is live: ${image}.\n`)
    expect((await get(hostOf(app))).body).toBe('hello 4711 7171')
    const [release] = await paasJson<{ description: string; commit: string | null }[]>(
      'releases:list',
      '-a',
      app,
    )
    expect(release?.description).toBe(`Deploy the image ${image}`)
    const [build] = await paasJson<{ image: string; commit: null }[]>('builds:list', '-a', app)
    expect(build).toMatchObject({ image, commit: null })
    const { types } = await paasJson<{ types: { from: string }[] }>('checks:report', '-a', app)
    expect(types).toMatchObject([{ type: 'web', from: 'HEALTHCHECK' }])
  })

  test('stays the app’s own when its name is gone, and config reaches it', async () => {
    await docker('tag', image, `${image}-kept`)
    await docker('rmi', image)
    expect((await paas(['config:set', '-a', app, 'GREETING=hi'])).code).toBe(0)
    expect((await get(hostOf(app))).body).toBe('hi 4711 7171')
  })

  test('that is not healthy is not released, and the old one serves on', async () => {
    await make(`${image}-sick`, 'CMD exit 1')
    const before = await traces()
    const refused = await paas(['git:from-image', app, `${image}-sick`])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/did not pass its check/)
    expect((await get(hostOf(app))).body).toBe('hi 4711 7171')
    await eventually('what was tried is gone', 30_000, async () => {
      return JSON.stringify(await traces()) === JSON.stringify(before)
    })
  })

  test.each([
    [
      'another app’s image',
      async () => (await inspect<{ Image: string }>((await containersOf(app))[0]!)).Image,
    ],
    ['a service’s image', () => Promise.resolve('paas/service-postgres:17')],
    ['an image of our namespace', () => Promise.resolve('paas/a0123456789abcde:b1')],
    [
      'a bare id',
      async () => (await docker('inspect', '--format', '{{.Id}}', `${image}-kept`)).trim().slice(7, 19),
    ],
  ])('%s is refused before anything happens', async (_, name) => {
    const refused = await laptop.ssh('git:from-image', '-a', app, await name())
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toMatch(/ !     /)
    expect(refused.stderr).toMatch(/another app or service|reads as an image id/)
  })

  test('that is nowhere says so', async () => {
    const refused = await paas(['git:from-image', app, 'registry.invalid/nothing:1'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/registry cannot be reached|base image is not there/)
  })
})

describe('a clone', () => {
  const app = appName('source')
  let clone: Clone
  beforeAll(async () => {
    clone = await laptop.clone(app)
  })

  test('is looked at before it was ever pushed', async () => {
    const found = await laptop.paas(['buildpacks:detect', '--json'], { cwd: clone.folder })
    expect(JSON.parse(found.stdout)).toMatchObject({ builder: 'node', why: 'package.json' })
    const printed = await laptop.paas(['buildpacks:detect', '.', '--print'], { cwd: clone.folder })
    expect(printed.stdout).toMatch(/^FROM \$\{PAAS_NODE\} AS runtime$/m)
    const tar = await laptop.ssh('buildpacks:detect')
    expect(tar.stderr).toMatch(/There is no folder of yours here/)
    const there = await paas(['buildpacks:detect', clone.folder])
    expect(there.stdout).toMatch(/^=== node\n/)
  })

  test('is built without a cache where that is asked for, once', async () => {
    const cached = (output: string): number => output.match(/(?:RUN|COPY).*CACHED/g)?.length ?? 0
    expect(cached((await clone.deploy()).stderr)).toBeGreaterThan(0)
    await clone.commit({ 'version.js': "export const version = '2'\n" })
    const without = await clone.push('-o', 'clear-cache', '-o', 'ci.skip', 'main')
    expect(without.code).toBe(0)
    expect(cached(without.stderr)).toBe(0)
    expect(without.stderr).toMatch(/The push option "ci\.skip" has no effect here\./)
    expect(cached((await clone.deploy({ note: '3' })).stderr)).toBeGreaterThan(0)

    expect((await laptop.paas(['builds:clear-cache'], { cwd: clone.folder })).code).toBe(0)
    expect(cached((await clone.deploy({ note: '4' })).stderr)).toBe(0)
    expect(cached((await clone.deploy({ note: '5' })).stderr)).toBeGreaterThan(0)
  })

  test('runs a step again that uses config vars when one has changed, and not for another order', async () => {
    const step = 'RUN --mount=type=secret,id=env . /run/secrets/env && echo with $LETTER_A'
    const good = (await clone.git('rev-parse', 'HEAD')).trim()
    // Longer values are kept where there is no order, and each deploy writes them anew.
    const pairs = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].map(
      (letter) => `LETTER_${letter}=${letter.repeat(100)}`,
    )
    await paas(['config:set', '-a', app, ...pairs])
    await clone.deploy({
      Dockerfile: `FROM paas/node:26\nARG CONFIG_HASH\n${step}\nCOPY . .\nCMD ["node", "server.js"]\n`,
    })
    for (const note of ['6', '7', '8'])
      expect((await clone.deploy({ note })).stderr).toMatch(/echo with.* CACHED/)
    await paas(['config:set', '-a', app, 'LETTER_A=other'])
    expect((await clone.deploy({ note: '9' })).stderr).toMatch(/with other/)
    await paas(['config:unset', '-a', app, ...pairs.map((pair) => pair.split('=')[0]!)])
    await clone.git('reset', '--quiet', '--hard', good)
    await clone.push('--force', 'main')
  })

  const bad: [what: string, files: Files, says: RegExp][] = [
    ['only a README', { README: 'hello' }, /No buildpack recognises this source \(README\)/],
    [
      'two candidates',
      { Gemfile: '', 'requirements.txt': '' },
      /could be python .* or ruby .*[^]*paas buildpacks:set/,
    ],
    ['a syntax error', { 'package.json': '{"name": }' }, /package\.json is not valid JSON: Unexpected token/],
    [
      'a lock file that is out of date',
      {
        'package.json': '{"name":"x","scripts":{"start":"x"},"dependencies":{"ms":"2.1.3"}}',
        'package-lock.json':
          '{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x","dependencies":{"ms":"2.0.0"}}}}',
      },
      /package-lock\.json is out of date: run npm install/,
    ],
    [
      'a yarn.lock that is out of date',
      {
        'package.json': '{"name":"x","scripts":{"start":"x"},"dependencies":{"ms":"2.1.3"}}',
        'yarn.lock': '# yarn lockfile v1\n',
      },
      /lock file is out of date/,
    ],
    [
      'a pnpm-lock.yaml that is out of date',
      {
        'package.json': '{"name":"x","scripts":{"start":"x"},"dependencies":{"ms":"2.1.3"}}',
        'pnpm-lock.yaml': "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n",
      },
      /lock file is out of date/,
    ],
    [
      'a Gemfile.lock that is out of date',
      {
        Gemfile: "source 'https://rubygems.org'\ngem 'rack'\n",
        'Gemfile.lock':
          'GEM\n  remote: https://rubygems.org/\n  specs:\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n',
        'config.ru': '',
      },
      /lock file is out of date/,
    ],
    ['a syntax error in a Gemfile', { Gemfile: "gem 'rack", 'config.ru': '' }, /error parsing `Gemfile`/],
    [
      'a composer.lock that is out of date',
      {
        'composer.json': '{"require":{"acme/a":"^1"}}',
        'composer.lock':
          '{"content-hash":"0","packages":[],"packages-dev":[],"platform":{},"platform-dev":{}}',
        'index.php': '',
      },
      /lock file is out of date/,
    ],
    [
      'a syntax error in composer.json',
      { 'composer.json': '{"require":' },
      /composer\.json is not valid JSON/,
    ],
    [
      'a syntax error in pyproject.toml',
      { 'pyproject.toml': '[project\n', 'app.py': '' },
      /pyproject\.toml is not valid TOML/,
    ],
    [
      'a syntax error in go.mod',
      { 'go.mod': 'modul x (\n', 'main.go': 'package main\n' },
      /errors parsing go\.mod/,
    ],
    [
      'vendored modules that are out of date',
      {
        'go.mod': 'module example.com/x\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n',
        'main.go': 'package main\n\nimport _ "example.com/a"\n\nfunc main() {}\n',
        'vendor/modules.txt': '',
      },
      /lock file is out of date/,
    ],
    [
      'a Cargo.lock that is out of date',
      {
        'Cargo.toml': '[package]\nname = "x"\nversion = "2.0.0"\nedition = "2021"\n',
        'Cargo.lock': 'version = 3\n\n[[package]]\nname = "x"\nversion = "1.0.0"\n',
        'src/main.rs': 'fn main() {}\n',
      },
      /lock file is out of date/,
    ],
    [
      'a command that is not there',
      { Dockerfile: 'FROM paas/base:trixie\nRUN vite\n' },
      /command is not in the image/,
    ],
    [
      'another app’s image',
      { Dockerfile: 'FROM paas/a0123456789abcde:b1\n' },
      /image of another app or service/,
    ],
  ]
  test.each(bad)(
    'with %s is refused, and the old release serves',
    { timeout: 600_000 },
    async (_, files, says) => {
      await refusedPush(clone, files, says)
    },
  )

  test('with a link to /etc/passwd is refused, and the old release serves', async () => {
    await symlink('/etc/passwd', join(clone.folder, 'passwd'))
    await refusedPush(
      clone,
      { 'package.json': '{}' },
      /The symlink "passwd" points to "\/etc\/passwd", outside/,
    )
  })

  test('with nothing in it is refused', async () => {
    const good = (await clone.git('rev-parse', 'HEAD')).trim()
    await clone.git('rm', '-rq', '.')
    await clone.git('commit', '--quiet', '--message', 'nothing')
    const push = await clone.push()
    expect(push.code).not.toBe(0)
    expect(push.stderr).toMatch(/The commit has no files\./)
    await clone.git('reset', '--quiet', '--hard', good)
  })
})

describe('a build without measure', () => {
  const app = appName('measure')
  let clone: Clone
  beforeAll(async () => {
    clone = await laptop.clone(app)
    await clone.deploy()
  })
  const dockerfile = (step: string): Files => ({
    Dockerfile: `FROM paas/base:trixie\nRUN ${step} # ${Math.random()}\n`,
  })

  test('that prints 100 MB is told in part, and how it ended', { timeout: 300_000 }, async () => {
    const step = `yes ${'y'.repeat(100)} | head -c 100000000; exit 3`
    await refusedPush(clone, dockerfile(step), /output clipped[^]*exit code: 3/)
    const [build] = await paasJson<{ id: string }[]>('builds:list', '-a', app)
    const log = await paas(['builds:log', '-a', app, build!.id])
    expect(log.stdout.length).toBeLessThan(20_000_000)
  })

  test('that does not end is given up, and its step with it', { timeout: 300_000 }, async () => {
    const { buildMinutes } = await paasJson<{ buildMinutes: number }>('builds:set')
    expect((await paas(['builds:set', '--timeout', '1'])).code).toBe(0)
    try {
      await refusedPush(
        clone,
        dockerfile('sleep 3631'),
        /did not end within 1 minutes?\.[^]*paas builds:set --timeout/,
      )
    } finally {
      await paas(['builds:set', '--timeout', String(buildMinutes)])
    }
    await eventually(
      'its step has ended',
      5000,
      async () => (await run('pgrep', ['--full', '^sleep 3631'])).code !== 0,
    )
  })

  test('that eats memory is ended, and told why', { timeout: 300_000 }, async () => {
    await refusedPush(
      clone,
      dockerfile('head -c 3G /dev/zero | tail'),
      /It ran out of memory: builds may use 2048 MiB together/,
    )
  })

  test('that starts processes without end is held, and told why', { timeout: 300_000 }, async () => {
    const step = 'i=0; while [ $i -lt 9000 ]; do sleep 600 & i=$((i+1)); done'
    await refusedPush(clone, dockerfile(step), /too many processes: builds may have 4096 together/)
  })

  test(
    'of 500 MB is live, and one that is larger than a push may be is refused',
    { timeout: 600_000 },
    async () => {
      const good = (await clone.git('rev-parse', 'HEAD')).trim()
      const write = (name: string): Promise<string> =>
        mustRun('sh', ['-c', `head -c 50M /dev/urandom > ${join(clone.folder, name)}`])
      for (let i = 0; i < 9; i++) await write(`data-${i}`)
      expect((await clone.deploy({ 'version.js': "export const version = 'large'\n" })).stderr).toMatch(
        /is live/,
      )
      expect((await probe(app)).version).toBe('large')
      await clone.git('reset', '--quiet', '--hard', good)
      onTestFinished(async () => {
        await clone.git('reset', '--quiet', '--hard', good)
      })
      for (let i = 0; i < 12; i++) await write(`more-${i}`)
      await clone.commit({})
      const push = await clone.push('--force', 'main')
      expect(push.code).not.toBe(0)
      expect(push.stderr).toContain('exceeds maximum allowed size')
      expect(push.stderr).toContain('The push is larger than pushes may be here')
      expect((await probe(app)).version).toBe('large')
    },
  )

  test('and a tree that leaves itself is refused', async () => {
    const blob = (await clone.git('hash-object', '-w', 'version.js')).trim()
    const inner = Buffer.concat([Buffer.from('100644 evil\0'), Buffer.from(blob, 'hex')])
    const file = join(laptop.folder, 'tree')
    const object = async (content: Buffer): Promise<string> => {
      await writeFile(file, content)
      return (await clone.git('hash-object', '-t', 'tree', '-w', '--literally', file)).trim()
    }
    const tree = await object(
      Buffer.concat([Buffer.from('40000 ..\0'), Buffer.from(await object(inner), 'hex')]),
    )
    const commit = (await clone.git('commit-tree', '-p', 'HEAD', '-m', 'out', tree)).trim()
    const push = await clone.push('--force', `${commit}:main`)
    expect(push.code).not.toBe(0)
    expect(push.stderr).toMatch(/hasDotdot|contains '\.\.'/)
    const packed = tarOf([{ name: '../evil', content: 'x' }])
    const chunks: Buffer[] = []
    for await (const chunk of packed) chunks.push(chunk)
    const sent = await laptop.paas(['deploy', '--plan', '-'], {
      cwd: clone.folder,
      input: Buffer.concat(chunks),
    })
    expect(sent.code).not.toBe(0)
    expect(sent.stderr).toMatch(/The path "\.\.\/evil" leaves the source tree/)
  })
})

/** Pushes a tree of these files alone, which must be refused; the clone is then what it was. */
async function refusedPush(clone: Clone, files: Files, says: RegExp): Promise<void> {
  const good = (await clone.git('rev-parse', 'HEAD')).trim()
  const { version } = await probe(clone.app)
  for (const path of (await clone.git('ls-files')).split('\n').filter(Boolean))
    await clone.git('rm', '-q', '--', path)
  await clone.commit(files)
  const push = await clone.push()
  expect(push.code).not.toBe(0)
  expect(push.stderr).toMatch(says)
  expect(push.stderr).not.toMatch(/INTERNAL|\.[cjt]s:\d+:\d+/)
  expect((await probe(clone.app)).version).toBe(version)
  await clone.git('reset', '--quiet', '--hard', good)
}
