import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { type Platform } from '../apps/platform.ts'
import { messageOf } from '../errors/paas-error.ts'

export type Notice = 'backup-failed' | 'backup-copy-failed' | 'backup-drill-failed'

const hookLimit = 30_000

/**
 * Tells of what somebody has to see to: as an event, in the log, and by the executable of its name in /etc/paas/hooks,
 * which gets the facts as JSON on stdin. A hook that fails is logged and stops nothing.
 */
export async function notify(
  { paths, log, store }: Platform,
  notice: Notice,
  facts: Record<string, unknown>,
): Promise<void> {
  log.error({ event: notice, ...facts }, notice)
  await store.events
    .add(notice, facts)
    .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'an event could not be kept'))
  const hook = join(paths.hooks, notice)
  const there = await access(hook, constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!there) return
  await new Promise<void>((resolve) => {
    const child = spawn(hook, [], { stdio: ['pipe', 'ignore', 'ignore'], timeout: hookLimit })
    const done = (problem?: unknown): void => {
      if (problem !== undefined) log.warn({ hook, problem }, 'a hook failed')
      resolve()
    }
    child.once('error', (error) => done(messageOf(error)))
    child.once('close', (code, signal) => done(code === 0 ? undefined : (signal ?? code)))
    child.stdin.on('error', () => undefined)
    child.stdin.end(`${JSON.stringify({ event: notice, ...facts })}\n`)
  })
}
