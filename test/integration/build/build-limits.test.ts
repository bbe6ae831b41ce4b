import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { limitBuilds } from '../../../src/build/build-limits.ts'
import { sourceOf } from '../../unit/build/source-of.ts'
import { built, engine, label, needBase } from './engine.ts'

// On demand, as what is set holds for every build of this machine's engine.

const usual = { memoryBytes: 2 * 1024 ** 3 }
beforeAll(needBase, 300_000)
afterAll(() => limitBuilds(usual, {}, AbortSignal.abort()))

/** Four loops that do nothing for so many seconds, and then what they have had of the cores, in seconds. */
const busy = (seconds: number): string =>
  `for i in 1 2 3 4; do timeout ${seconds} sh -c 'while :; do :; done' & done; wait; times`

/** Seconds of processor time of what has been waited for: bash's second line of `times`, user and system. */
function childSeconds(lines: string[]): number {
  const line = lines.filter((text) => /^\d+m[\d.]+s \d+m[\d.]+s$/.test(text)).at(-1)!
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0)
}

async function build(seconds: number, cpus: number | undefined): Promise<number> {
  const step = `RUN ["bash", "-c", ${JSON.stringify(`${busy(seconds)} # ${Math.random()}`)}]`
  await using spooled = await sourceOf({ Dockerfile: `FROM paas/base:trixie\n${step}\n` })
  await using image = await built(spooled.source, { limits: { ...usual, cpus } })
  return childSeconds(image.lines)
}

test('a cap of cores holds, and is taken back', async () => {
  expect(await build(4, 0.5)).toBeLessThan(2.6)
  await build(1, undefined)
  const quota = await readFile('/sys/fs/cgroup/cpu/docker/buildkit/cpu.cfs_quota_us', 'utf8').catch(
    () => '-1',
  )
  expect(quota.trim()).toBe('-1')
})

test('an app that wants all cores gets four times what a build gets', async () => {
  const container = await engine.docker.createContainer({
    Image: 'paas/base:trixie',
    Cmd: ['bash', '-c', busy(8)],
    Labels: { 'paas.instance': label },
    HostConfig: { NetworkMode: 'none' },
  })
  try {
    await container.start()
    const [ofBuild] = await Promise.all([build(8, undefined), container.wait()])
    const output = await container.logs({ stdout: true, stderr: true })
    const ofApp = childSeconds(
      output
        .toString('latin1')
        .replaceAll(/[\0-\x08]{4}[^]{4}/g, '')
        .split('\n'),
    )
    const share = ofBuild / (ofBuild + ofApp)
    console.log(
      `the build had ${ofBuild.toFixed(1)} s of the cores, the app ${ofApp.toFixed(1)} s: ${Math.round(share * 100)} %`,
    )
    // A fifth on a machine that does nothing else.
    expect(share).toBeLessThan(0.45)
  } finally {
    await container.remove({ force: true })
  }
})
