import { appendFile, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectRedis } from '../../src/store/redis.ts'
import { paas, paths, pidOf } from '../support/instance.ts'
import { eventually, isGone, mustRun } from '../support/process.ts'
import { watchOver } from './checker.ts'
import { measured } from './measured.ts'
import { controllerAnswers, killHard, timeUntil } from './processes.ts'
import { must, setScene } from './scene.ts'

const scene = await setScene('stateful')
afterAll(() => scene[Symbol.asyncDispose]())
const { app } = scene

const redis = connectRedis({
  path: paths.redisSocket,
  username: 'controller',
  password: (await readFile(paths.redisControllerPassword, 'utf8')).trim(),
  name: 'faults-redis',
})
afterAll(() => redis.disconnect())
const redisAnswers = async (): Promise<boolean> =>
  redis.ping().then(
    () => true,
    () => false,
  )

const change = (): ReturnType<typeof paas> =>
  paas(['config:set', '-a', app, '--no-restart', `AT=${Date.now()}`])
beforeEach(async () => {
  await eventually('commands work', 60_000, controllerAnswers)
})

/** Until Redis answers, and from then on until a change is taken. */
async function recovery(): Promise<{ backMs: number; recoveredMs: number }> {
  const backMs = await timeUntil('Redis answers', 60_000, redisAnswers)
  const recoveredMs = await timeUntil('a change is taken', 20_000, async () => (await change()).code === 0)
  return { backMs, recoveredMs }
}

/** What it takes to start a program here is not the platform's, and on a machine under load it is much. */
const startSeconds = async (): Promise<number> => (await paas(['--help'])).seconds

function mustBeRefused({ code, output, seconds }: Awaited<ReturnType<typeof paas>>, start: number): void {
  expect(output).toMatch(/Redis, which holds the state, does not answer; nothing was changed/)
  expect(code).toBe(1)
  expect(seconds - start).toBeLessThan(2)
}

/** The config as it is said to be, which the checker compares: a test that changes it does so for both. */
const without = (): Promise<string> => must(['config:unset', '-a', app, '--no-restart', 'AT'])

test('Redis, kill -9: no request fails, changes are refused at once, and taken again 5 s after its return', async () => {
  const start = await startSeconds()
  const watch = await watchOver(scene)
  // Its supervisor could be quicker than a command on a slow machine.
  await rename(paths.redisConfig, `${paths.redisConfig}.aside`)
  await killHard('redis')
  const refused = await change()
  await rename(`${paths.redisConfig}.aside`, paths.redisConfig)
  mustBeRefused(refused, start)
  const times = await recovery()
  await without()
  const verdict = await watch.settle({ said: [refused.output] })
  expect(verdict.broken).toEqual([])
  expect(times.recoveredMs).toBeLessThan(5000)
  measured('Redis kill -9', { refusedMs: refused.seconds * 1000, ...times, ...verdict })
})

test('Redis, hanging (SIGSTOP): the same', async () => {
  const start = await startSeconds()
  const watch = await watchOver(scene)
  const pid = await pidOf('redis')
  process.kill(pid, 'SIGSTOP')
  const refused = await change().finally(() => setTimeout(() => process.kill(pid, 'SIGCONT'), 4000))
  mustBeRefused(refused, start)
  const times = await recovery()
  await without()
  const verdict = await watch.settle({ said: [refused.output] })
  expect(verdict.broken).toEqual([])
  expect(times.recoveredMs).toBeLessThan(5000)
  measured('Redis hangs (SIGSTOP, 4 s)', { refusedMs: refused.seconds * 1000, ...times, ...verdict })
})

test('Redis, restarted by hand: nothing is noticed', async () => {
  const watch = await watchOver(scene)
  const pid = await pidOf('redis')
  process.kill(pid, 'SIGTERM')
  // It goes on answering until it looks at its signals, ten times a second.
  await eventually('it has ended', 10_000, () => isGone(pid))
  const times = await recovery()
  await without()
  const verdict = await watch.settle()
  expect(verdict.broken).toEqual([])
  measured('Redis restart (SIGTERM)', { ...times, ...verdict })
})

describe('the files of Redis', () => {
  const data = join(paths.redisData, 'appendonlydir')
  const aside = join(paths.redisData, 'aside')
  const newest = async (): Promise<string> => {
    const names = (await readdir(data)).filter((name) => name.endsWith('.incr.aof'))
    return join(data, names.sort((a, b) => Number(a.split('.')[2]) - Number(b.split('.')[2])).at(-1)!)
  }

  afterEach(async () => {
    await rm(aside, { recursive: true, force: true })
  })

  test('lost: that is not "no apps": all go on serving, changes are refused and told why, until they are back', async () => {
    const watch = await watchOver(scene)
    await killHard('redis')
    await rename(data, aside)
    await eventually('Redis answers', 60_000, redisAnswers)
    expect(await redis.exists('paas:epoch')).toBe(0)
    const told = await paas(['apps:list'])
    expect(told.output).toMatch(/Redis has lost its data/)
    expect(told.code).toBe(1)
    const refused = await paas(['apps:create', 'nobody'])
    expect(refused.output).toMatch(/nothing is changed, and what runs goes on running/)
    expect(refused.output).toMatch(/server:restore/)
    expect(refused.code).toBe(1)
    const pushed = await scene.clone.push()
    expect(pushed.code).not.toBe(0)
    expect(pushed.output).toMatch(/Redis has lost its data/)
    const doctor = await paas(['doctor'])
    expect(doctor.output).toMatch(/redis.*has lost its data/)

    const stopped = performance.now()
    await killHard('redis')
    await rm(data, { recursive: true, force: true })
    await rename(aside, data)
    const times = await recovery()
    await without()
    const verdict = await watch.settle({ said: [told.output, refused.output, pushed.output] })
    expect(verdict.broken).toEqual([])
    measured('Redis data lost and put back', {
      ...times,
      restoredMs: performance.now() - stopped,
      ...verdict,
    })
  })

  test('torn at their end, as a power cut leaves them: they load, with all that was acknowledged', async () => {
    const watch = await watchOver(scene)
    await killHard('redis')
    await appendFile(await newest(), '*3\r\n$3\r\nSET\r\n$9\r\npaas:to')
    const times = await recovery()
    await without()
    const verdict = await watch.settle()
    expect(verdict.broken).toEqual([])
    measured('Redis AOF with a torn tail', { ...times, ...verdict })
  })

  test('damaged: Redis refuses them, doctor says so and points to the backup, and nothing is mended in silence', async () => {
    const watch = await watchOver(scene)
    await killHard('redis')
    await mustRun('cp', ['--archive', data, aside])
    const file = await newest()
    const handle = await open(file, 'r+')
    // As long as several commands, so that more than one's value is hit.
    const { size } = await handle.stat()
    await handle.write(Buffer.alloc(8192, 0x7e), 0, 8192, Math.floor(size / 2))
    await handle.close()
    const damaged = await readFile(file)
    await eventually('Redis has refused them', 60_000, async () =>
      /Bad file format|Wrong signature|Unrecoverable|Error (?:while )?reading/i.test(
        await readFile(join(paths.log, 'redis.log'), 'utf8'),
      ),
    )
    const refused = await change()
    expect(refused.output).toMatch(/does not answer; nothing was changed/)
    const doctor = await paas(['doctor'])
    expect(doctor.code).toBe(1)
    expect(doctor.output).toMatch(/damaged/)
    expect(doctor.output).toMatch(/server:restore/)
    expect(await readFile(file)).toEqual(damaged)

    await rm(data, { recursive: true })
    await rename(aside, data)
    const times = await recovery()
    await without()
    const verdict = await watch.settle({ said: [refused.output, doctor.output] })
    expect(verdict.broken).toEqual([])
    measured('Redis AOF damaged in its middle', { ...times, ...verdict })
  })
})
