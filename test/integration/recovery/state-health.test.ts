import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, open, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { redis } from '../../../src/health/processes.ts'
import { stateBackups } from '../../../src/health/state-backups.ts'
import { writeStateBackup } from '../../../src/recovery/state-backups.ts'
import { platformWithoutEngine } from '../../support/platform.ts'
import { startState } from '../../support/redis.ts'

test('a newest backup of hours ago is not well, and one of now is', async () => {
  await using state = await startState()
  await writeFile(state.paths.masterKey, Buffer.alloc(32, 1))
  const platform = platformWithoutEngine(state)
  const { file } = await writeStateBackup(platform, 'hourly')
  expect(await stateBackups(platform)).toMatchObject({
    healthy: true,
    finding: expect.stringMatching(/^1, /) as string,
  })
  const old = new Date(Date.now() - 5 * 3_600_000).toISOString().slice(0, 19)
  await rename(
    file,
    join(state.paths.stateBackups, `${old.replaceAll(/[-:]/g, '').replace('T', '-')}-hourly.state`),
  )
  expect(await stateBackups(platform)).toMatchObject({
    healthy: false,
    finding: expect.stringContaining('which is 5 h old') as string,
    fix: expect.stringContaining('paas server:backups:create') as string,
  })
})

test('a log of Redis that is damaged is refused by it, and doctor names the newest backup', async () => {
  await using state = await startState()
  const { paths } = state
  await writeFile(paths.masterKey, Buffer.alloc(32, 1))
  await mkdir(paths.log, { recursive: true })
  const platform = platformWithoutEngine(state)
  for (let i = 0; i < 50; i++) await state.redis.set(`paas:key:${i}`, 'x'.repeat(100))
  const { file } = await writeStateBackup(platform, 'hourly')
  await state.kill()

  // It does not run for another reason: then no data is said to be damaged.
  expect(await redis(platform)).toMatchObject({
    healthy: false,
    finding: expect.stringContaining('does not answer') as string,
  })

  const folder = join(paths.redisData, 'appendonlydir')
  const log = (await readdir(folder)).find((name) => name.endsWith('.incr.aof'))!
  {
    await using damaged = await open(join(folder, log), 'r+')
    await damaged.write('damage', 1000)
  }
  const output = openSync(join(paths.log, 'redis.log'), 'a')
  const { status } = spawnSync('redis-server', [paths.redisConfig], {
    stdio: ['ignore', output, output],
    timeout: 10_000,
  })
  closeSync(output)
  expect(status).toBe(1)
  expect(await redis(platform)).toMatchObject({
    healthy: false,
    finding: 'it does not start, as its data is damaged',
    fix: expect.stringContaining(`paas server:restore ${file}`) as string,
  })
})
