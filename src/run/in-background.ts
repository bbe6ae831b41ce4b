import { type Platform } from '../apps/platform.ts'
import { messageOf } from '../errors/paas-error.ts'

/**
 * Follows a container for as long as it runs. A controller that stops does not wait for it, as it would for
 * `platform.background`: the next one takes over what matters.
 */
export function whileItRuns({ log }: Pick<Platform, 'log'>, what: string, task: () => Promise<void>): void {
  task().catch((error: unknown) => log.warn({ reason: messageOf(error) }, `could not ${what}`))
}
