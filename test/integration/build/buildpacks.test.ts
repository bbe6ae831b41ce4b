import { readdirSync } from 'node:fs'
import { appendFile, cp, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { appUser } from '../../../src/build/app-user.ts'
import { execCommand } from '../../../src/lib/exec-command.ts'
import {
  type Built,
  built,
  buildpacks,
  engine,
  needBase,
  outputOf,
  samples,
  sourceOfFolder,
  started,
} from './engine.ts'

beforeAll(needBase, 300_000)

const names = buildpacks.map(({ manifest }) => manifest.name)
/** Answers only with a database: test/e2e/wordpress.test.ts pushes it. */
const needsService = ['php-notes']
/** `test/apps/<buildpack>-<anything>` is a sample of its buildpack. */
const samplesOf = (name: string): string[] =>
  readdirSync(samples).filter((app) => app.startsWith(`${name}-`) && !needsService.includes(app))
/** Those that install little. With PAAS_TEST=all the others too, which take minutes on a new machine. */
const quick = ['heroku', 'node', 'python', 'static']
const all = names
  .filter((name) => process.env['PAAS_TEST'] === 'all' || quick.includes(name))
  .flatMap((name) => samplesOf(name).map((app) => [app, name] as const))

/**
 * A file of each sample whose change leaves its dependencies as they are, and what a line of it may start with: a
 * comment, except where no trace of one is left.
 */
const sourceFiles: Record<string, [file: string, comment: string]> = {
  bun: ['server.ts', '//'],
  deno: ['main.ts', '//'],
  elixir: ['lib/hello.ex', 'defmodule Note, do:'],
  go: ['main.go', '//'],
  java: ['README', '#'],
  node: ['README', '#'],
  php: ['src/greeting.php', '//'],
  python: ['app.py', '#'],
  ruby: ['server.rb', '#'],
  rust: ['src/main.rs', '//'],
  static: ['note.txt', '#'],
}

/** What some samples have to answer besides: path, and status, caching, location and the begin of the body. */
const asked: Record<string, [path: string, answer: RegExp][]> = {
  'static-site': [
    ['/', /^200 no-cache - <!doctype html>/],
    ['/about', /^200 no-cache - <!doctype html>/],
    ['/old/page', /^200 no-cache - <!doctype html>/],
    ['/docs/index.html', /^301 \S+ \/docs\/ /],
    ['/style.3f2a91bc.css', /^200 public, max-age=31536000, immutable - /],
    ['/nothing', /^404 .*<h1>Nothing here<\/h1>/],
    ['/static.json', /^404 /],
    ['/.git/config', /^404 /],
  ],
  'static-spa': [
    ['/any/route', /^200 no-cache - <!doctype html><h1>Hello from static-spa/],
    ['/assets/app-4f9d2c81.js', /^200 public, max-age=31536000, immutable - /],
    ['/missing.js', /^404 /],
  ],
}

async function told(address: string): Promise<string> {
  const response = await fetch(address, { redirect: 'manual' })
  const header = (name: string): string => response.headers.get(name) ?? '-'
  return `${response.status} ${header('cache-control')} ${header('location')} ${await response.text()}`
}

test.each(names)('%s has a sample', (name) => {
  expect(samplesOf(name)).not.toEqual([])
})

describe.each(all)('%s', (app, name) => {
  test('builds, boots, answers, stops, and is built again from cache', { timeout: 290_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paas-sample-'))
    await cp(join(samples, app), folder, { recursive: true })
    try {
      const first = await fromFolder(folder)
      expect(first.plan.builder.split('+').at(-1)).toBe(name)
      await using image = first
      await boots(image, asked[app])
      await isGood(image.imageId)

      const [file, comment] = sourceFiles[name] ?? ['README', '#']
      await appendFile(join(folder, file), `\n${comment} ${Math.random()}\n`)
      await using second = await fromFolder(folder)
      // What a build makes of the source may not depend on the file that was changed.
      if (!image.plan.builder.includes('+')) expect(second.imageId).not.toBe(image.imageId)
      const installed = second.lines.filter((line) => /apt-get|(?:install|runtime|deps)\.sh/.test(line))
      for (const line of installed) expect(line).toMatch(/CACHED$/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

test('a file that is served keeps its ETag until its content changes', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paas-sample-'))
  const etags = async (): Promise<(string | null)[]> => {
    await using image = await fromFolder(folder)
    await using container = await started(image.imageId, 'static-web', image.port)
    await firstAnswer(container.address)
    const answers = await Promise.all(['/', '/about'].map((path) => fetch(container.address + path)))
    for (const { headers } of answers) expect(headers.get('last-modified')).toBeNull()
    return answers.map(({ headers }) => headers.get('etag'))
  }
  try {
    await cp(join(samples, 'static-site'), folder, { recursive: true })
    const before = await etags()
    const about = await readFile(join(folder, 'about.html'), 'utf8')
    await writeFile(join(folder, 'about.html'), about.replace('html>', 'HTML>'))
    const after = await etags()
    expect(before).not.toContain(null)
    expect(after[0]).toBe(before[0])
    expect(after[1]).not.toBe(before[1])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test.runIf(process.env['PAAS_TEST'] === 'all')(
  'Rust is compiled anew for a commit that is older than the last build',
  { timeout: 290_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paas-sample-'))
    try {
      await cp(join(samples, 'rust-plain'), folder, { recursive: true })
      const file = join(folder, 'src/main.rs')
      const text = await readFile(file, 'utf8')
      for (const name of ['one', 'two']) {
        await writeFile(file, text.replace('Hello', `Hello ${name}`))
        await utimes(file, 1_700_000_000, 1_700_000_000)
        await using image = await fromFolder(folder)
        await boots(image, [['/', new RegExp(`Hello ${name}`)]])
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)

async function fromFolder(folder: string) {
  await using spooled = await sourceOfFolder(folder)
  return await built(spooled.source)
}

async function boots(
  { imageId, plan, port }: Built,
  questions: [path: string, answer: RegExp][] = [],
): Promise<void> {
  const processes: Readonly<Record<string, { command?: string | undefined }>> = plan.processes
  const command = processes['web']?.command
  const secrets = Object.entries(plan.env).flatMap(([name, { generate }]) =>
    generate ? [`${name}=made-up`] : [],
  )
  await using container = await started(imageId, command && execCommand(command), port, secrets)
  const answer = await firstAnswer(container.address)
  expect(answer).not.toBe('')
  for (const [path, wanted] of questions) expect(await told(container.address + path)).toMatch(wanted)
  const handle = engine.docker.getContainer(container.id)
  const since = performance.now()
  await handle.stop({ t: 10 })
  expect(performance.now() - since).toBeLessThan(8000)
  // 137 would be SIGKILL: the signal did not reach the process, or it did not listen.
  const { State } = await handle.inspect()
  expect(State.ExitCode).not.toBe(137)
}

async function firstAnswer(address: string): Promise<string> {
  for (let attempt = 0; attempt < 150; attempt++) {
    const response = await fetch(address).catch(() => undefined)
    if (response?.ok === true) return response.text()
    await sleep(100)
  }
  throw new Error(`${address} does not answer`)
}

/** Not root, no build tools, files that belong to the app. */
async function isGood(imageId: string): Promise<void> {
  const state = await engine.images.inspect(imageId)
  expect(state?.user).toBe(`${appUser}:${appUser}`)
  const script =
    'id -u; stat -c %u /app; for tool in gcc g++ make git javac cargo go; do command -v $tool; done; true'
  expect((await outputOf(imageId, 'sh', '-c', script)).trim()).toBe(`${appUser}\n${appUser}`)
}
