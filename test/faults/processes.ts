import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { inject } from 'vitest'
import { paas, pidOf } from '../support/instance.ts'
import { eventually, isGone } from '../support/process.ts'

type Name = Parameters<typeof pidOf>[0]

/** Ends a process of the instance without a chance to tidy up; resolves with when, once it is gone. */
export async function killHard(name: Name): Promise<number> {
  const pid = await pidOf(name)
  process.kill(pid, 'SIGKILL')
  const killed = performance.now()
  await eventually(`${name} is gone`, 5000, () => isGone(pid))
  return killed
}

export const controllerAnswers = async (): Promise<boolean> => (await paas(['apps:list'])).code === 0

/** Resolves with when the controller answered again. */
export async function controllerIsBack(): Promise<number> {
  // Its supervisor waits for up to 30 s before it starts again what ends over and over.
  await eventually('the controller answers', 60_000, controllerAnswers)
  return performance.now()
}

/**
 * Has `paas serve` replace the controller as after an upgrade, from which on it counts failures anew: each would wait
 * twice as long as the one before it otherwise.
 */
export async function forgetCrashes(): Promise<void> {
  const before = await pidOf('controller')
  process.kill(await pidOf('serve'), 'SIGUSR2')
  await eventually('another controller', 90_000, async () => {
    const now = await pidOf('controller').catch(() => before)
    return now !== before && !Number.isNaN(now)
  })
  await controllerIsBack()
}

const faultFile = inject('faultFile')

/** From now on the controller kills itself when a deploy comes to this point, once: src/lib/fault-point.ts. */
export const armFault = (point: string): Promise<void> => writeFile(faultFile, point)

/** True once it has come to that point. */
export const faultHappened = (): boolean => !existsSync(faultFile)

/** Milliseconds until `look` resolves to true. */
export async function timeUntil(
  what: string,
  limitMs: number,
  look: () => Promise<boolean>,
): Promise<number> {
  const began = performance.now()
  await eventually(what, limitMs, look)
  return Math.round(performance.now() - began)
}
