import { PaasError } from '../errors/paas-error.ts'
import { type Service } from '../model/service.ts'

/**
 * SERVICE_FAILED with what to do about a service that does not run. `retryMs`: milliseconds until it is started again;
 * undefined: it was given up.
 */
export function notRunning(
  { name, running }: Pick<Service, 'name' | 'running'>,
  retryMs: number | undefined,
): PaasError {
  const why = `paas services:logs ${name}`
  const hint = !running
    ? `paas services:start ${name}`
    : retryMs === undefined
      ? `It ended too often to be started again. Why: ${why}, and then paas services:restart ${name}`
      : `It is being started again: repeat this in a moment. Why it ended: ${why}`
  return new PaasError('SERVICE_FAILED', `${name} does not run.`, { hint })
}
