import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, PaasError } from '../errors/paas-error.ts'

/** One part of the server as it was found. */
export type Part = {
  name: string
  /** Its version, where it has one of its own and could be asked. */
  version?: string
  healthy: boolean
  /** What was found, for people. */
  finding: string
  /** What to do, where it is not healthy, or should be better. */
  fix?: string
}

/** A part that does not answer within this time is as good as away. */
const patience = 5_000

/** Looks at one part; a look that fails or takes too long is a finding like any other. */
export async function look(name: string, fix: string, at: () => Promise<Omit<Part, 'name'>>): Promise<Part> {
  const giveUp = new AbortController()
  try {
    const late = sleep(patience, undefined, { signal: giveUp.signal }).then(() => {
      throw new Error(`no answer within ${patience / 1000} s`)
    })
    return { name, ...(await Promise.race([at(), late])) }
  } catch (error) {
    const hint = error instanceof PaasError && error.code !== 'STATE_UNREACHABLE' ? error.hint : undefined
    return {
      name,
      healthy: false,
      finding: messageOf(error),
      fix: hint?.includes('doctor') === false ? hint : fix,
    }
  } finally {
    giveUp.abort()
  }
}

/** `1.5 GiB`, `300 MiB`. */
export function bytes(count: number): string {
  const mebibytes = count / 1024 ** 2
  return mebibytes < 1024 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`
}
