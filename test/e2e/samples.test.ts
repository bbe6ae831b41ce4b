import { readdirSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { get, hostOf, paasJson } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'

const laptop = await createLaptop('samples')
afterAll(() => laptop[Symbol.asyncDispose]())

/** probe and node-hello are pushed by nearly every other test; the others need a service, and have tests of theirs. */
const elsewhere = ['probe', 'node-hello', 'node-store', 'php-notes']
const samples = readdirSync(join(import.meta.dirname, '../apps')).filter((name) => !elsewhere.includes(name))

/** A file whose change leaves the dependencies as they are, and what starts a comment in it. */
const sources: Record<string, [file: string, comment: string]> = {
  bun: ['server.ts', '//'],
  deno: ['main.ts', '//'],
  elixir: ['lib/hello.ex', '#'],
  go: ['main.go', '//'],
  php: ['src/greeting.php', '//'],
  python: ['app.py', '#'],
  ruby: ['server.rb', '#'],
  rust: ['src/main.rs', '//'],
}

describe.each(samples)('%s', (sample) => {
  test('is live by a push, answers, and is live again from cache', { timeout: 600_000 }, async () => {
    const app = appName(sample)
    const clone = await laptop.clone(app, { from: sample })
    const first = await clone.deploy()
    expect(first.stderr).toMatch(/=====> v1 is live/)
    const answer = await get(hostOf(app))
    expect(answer.status).toBe(200)
    expect(answer.body).not.toBe('')

    const [file, comment] = sources[sample.split('-')[0]!] ?? ['README', '#']
    await appendFile(join(clone.folder, file), `\n${comment} changed\n`)
    const second = await clone.deploy()
    expect(second.stderr).toMatch(/=====> v2 is live/)
    const steps = second.stderr
      .split('\n')
      .filter((line) => /apt-get|(?:install|runtime|deps)\.sh/.test(line))
    expect(steps.length).toBeGreaterThan(0)
    for (const line of steps) expect(line).toMatch(/CACHED\s*$/)
    expect(await get(hostOf(app))).toMatchObject({ status: 200, body: expect.stringMatching(/\S/) as string })
    const builds = await paasJson<{ status: string }[]>('builds:list', '-a', app)
    expect(builds.map(({ status }) => status)).toEqual(['succeeded', 'succeeded'])
  })
})
