import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { containersOf } from '../support/docker.ts'
import { paasJson, probe } from '../support/instance.ts'
import { mustRun } from '../support/process.ts'
import { watchOver } from './checker.ts'
import { measured } from './measured.ts'
import { must, setScene } from './scene.ts'
import { startServe, stopServe } from './serve.ts'

const scene = await setScene('timed')
const { app, clone, neighbour } = scene
const folder = await mkdtemp(join(tmpdir(), 'paas-clock-'))
const offset = join(folder, 'offset')
/** What the clock shows of all processes of the instance. A file that is written whole, as it is read all the time. */
const setClock = (by: string): Promise<void> => writeFile(offset, `${by}\n`)

/** libfaketime, unpacked beside the system; it changes the calendar's clock and leaves the monotonic one alone. */
beforeAll(async () => {
  await mustRun('apt-get', ['download', 'libfaketime'], { cwd: folder })
  await mustRun('sh', ['-c', 'dpkg-deb --extract libfaketime_*.deb .'], { cwd: folder })
  const library = (await mustRun('find', [folder, '-name', 'libfaketime.so.1'])).trim()
  await setClock('+0')
  // Redis and the router are other users.
  await mustRun('chmod', ['--recursive', 'a+rX', folder])
  await stopServe()
  await startServe([app, neighbour], {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: offset,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  })
})
afterAll(async () => {
  await stopServe()
  await startServe([app, neighbour])
  await rm(folder, { recursive: true })
  await scene[Symbol.asyncDispose]()
})

test.each(['+1d', '-1d'])(
  'the clock jumps by %s: no request fails, nothing is given up, and deploys work',
  async (by) => {
    const watch = await watchOver(scene)
    const before = await containersOf(app)
    await setClock(by)
    await sleep(8000)
    expect(await containersOf(app)).toEqual(before)
    const { version, files } = scene.nextVersion()
    const pushed = await clone.deploy(files)
    expect((await probe(app)).version).toBe(version)
    const [newest] = await paasJson<{ createdAt: string; status: string }[]>('releases:list', '-a', app)
    const shownDays = (Date.parse(newest!.createdAt) - Date.now()) / 86_400_000
    expect(Math.round(shownDays)).toBe(by === '+1d' ? 1 : -1)
    expect(newest!.status).toBe('active')
    await must(['config:set', '-a', app, `AT=${by}`])
    await must(['config:unset', '-a', app, 'AT'])
    await setClock('+0')
    await sleep(3000)
    const verdict = await watch.settle({ changed: [app], said: [pushed.output] })
    expect(verdict.broken).toEqual([])
    measured(`clock ${by}, and back`, { pushMs: pushed.seconds * 1000, ...verdict })
  },
)
