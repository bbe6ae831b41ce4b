import { type Platform } from '../apps/platform.ts'
import { type Service } from '../model/service.ts'
import { serverOf } from './container.ts'
import { datastoreOf } from './registry.ts'
import { runStep } from './run.ts'

/**
 * running: its server runs. changing: somebody works on it. stopped: it is not to run. down: it should run and does
 * not; crashed: the same, and after ten failures it is not tried again.
 */
export const states = ['running', 'changing', 'stopped', 'down', 'crashed'] as const
export type State = (typeof states)[number]

export async function stateOf(service: Service, platform: Platform): Promise<State> {
  if (platform.queues.current(service.id) !== undefined) return 'changing'
  if (!service.running) return 'stopped'
  if ((await serverOf(platform, service))?.running === true) return 'running'
  return platform.crashes.delay(service.id) === undefined ? 'crashed' : 'down'
}

/** Bytes that its data takes; undefined while it does not run, or keeps nothing. */
export async function sizeOf(service: Service, platform: Platform): Promise<number | undefined> {
  const { dataFolder } = datastoreOf(service)
  const server = await serverOf(platform, service)
  if (dataFolder === undefined || server?.running !== true) return undefined
  // Files come and go under a server that works: what du says of those is no reason not to believe the sum.
  const { stdout } = await runStep(platform.engine, server.id, {
    command: ['du', '--summarize', '--bytes', dataFolder],
  })
  const size = Number.parseInt(stdout, 10)
  return Number.isNaN(size) ? undefined : size
}
