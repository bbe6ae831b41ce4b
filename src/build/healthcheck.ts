import { type ImageState } from '../docker/images.ts'
import { Check } from '../model/check.ts'

/** What Docker takes where a HEALTHCHECK leaves it open (Dockerfile reference); seconds. */
const defaults = { interval: 30, timeout: 30, retries: 3 }

/**
 * An image's HEALTHCHECK as checks of ours. Docker's own check would tell of a healthy start only after a whole
 * interval, so at the start it is asked every second, for as long as Docker would wait. Pure.
 */
export function checksOfHealthcheck(found: ImageState['healthcheck']): Check[] {
  if (found === undefined) return []
  const { command, startPeriod } = found
  const interval = found.interval || defaults.interval
  const timeout = Math.min(found.timeout || defaults.timeout, 600)
  const retries = found.retries || defaults.retries
  const patience = Math.ceil(startPeriod + retries * interval)
  const start = { type: 'startup', wait: 1, attempts: between(30, patience, 1000) }
  return [
    // One that asks for something else passes before the port is there, and requests would be lost.
    Check.parse(start),
    Check.parse({ ...start, command, timeout }),
    Check.parse({
      type: 'liveness',
      command,
      timeout,
      wait: Math.min(interval, 600),
      attempts: between(1, retries, 1000),
      initialDelay: Math.min(startPeriod, 3600),
    }),
  ]
}

const between = (least: number, value: number, most: number): number => Math.max(least, Math.min(value, most))
