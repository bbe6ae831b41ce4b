import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { instancePaths } from '../../src/lib/paths.ts'
import { redisConfig, redisUsers } from '../../src/setup/redis-config.ts'
import { connectRedis, redisReady } from '../../src/store/redis.ts'
import { createSecrets } from '../../src/store/secrets.ts'
import { createStore } from '../../src/store/store.ts'

/**
 * A real redis-server with the settings and users that set-up writes, in a directory of its own, and the
 * controller's connection to it. `kill` and `start` are its outages; what was acknowledged stays.
 */
export async function startState() {
  const root = await mkdtemp(join(tmpdir(), 'paas-state-'))
  const paths = instancePaths(root)
  const passwords = { controller: 'controller-password', router: 'router-password' }
  for (const folder of [paths.etc, paths.redisData, dirname(paths.redisSocket)])
    await mkdir(folder, { recursive: true })
  await writeFile(paths.redisConfig, redisConfig(paths))
  await writeFile(paths.redisUsers, redisUsers(passwords))
  let child: ChildProcess

  async function start(): Promise<void> {
    child = spawn('redis-server', [paths.redisConfig], { stdio: 'ignore' })
    await redisReady(redis, 10_000)
  }
  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  const redis = connectRedis({
    path: paths.redisSocket,
    username: 'controller',
    password: passwords.controller,
    name: 'test',
  })
  await start()
  return {
    redis,
    paths,
    store: createStore(redis, createSecrets(Buffer.alloc(32, 1))),
    start,
    kill,
    /** Stops it in its tracks, as a disk that hangs would, and lets it go on. */
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    /** All that is on its disk. */
    async bytesOnDisk(): Promise<Buffer> {
      const folder = join(paths.redisData, 'appendonlydir')
      const names = await readdir(folder)
      return Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name)))))
    },
    [Symbol.asyncDispose]: async () => {
      redis.disconnect()
      child.kill('SIGCONT')
      await kill()
      await rm(root, { recursive: true, force: true })
    },
  }
}

export type State = Awaited<ReturnType<typeof startState>>
