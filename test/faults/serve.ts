import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { get, hostOf, paths, pidOf } from '../support/instance.ts'
import { eventually, isGone } from '../support/process.ts'
import { controllerIsBack } from './processes.ts'

/** Ends `paas serve` and with it all processes of the instance; its containers run on. */
export async function stopServe(): Promise<void> {
  const pid = await pidOf('serve')
  process.kill(pid, 'SIGTERM')
  await eventually('all is stopped', 90_000, () => isGone(pid))
}

/**
 * Starts it, and resolves once the controller and these apps answer. `through` is put before its command line, and
 * `env` added to what all its processes are given.
 */
export async function startServe(
  apps: readonly string[],
  { through = [], env = {} }: { through?: string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  const log = openSync(join(paths.log, 'serve.log'), 'a')
  const [program, ...args] = [...through, paths.launcher, 'serve']
  spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, PAAS_FAULT_FILE: inject('faultFile'), ...env },
  }).unref()
  await controllerIsBack()
  for (const app of apps) {
    await eventually(`${app} answers`, 60_000, async () => {
      return (await get(hostOf(app), '/facts').catch(() => undefined))?.status === 200
    })
  }
}
