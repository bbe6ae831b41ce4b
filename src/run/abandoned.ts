import { type Platform } from '../apps/platform.ts'

/**
 * Removes containers whose streams were at a caller of an earlier controller: nobody can be there any more.
 * `startedAt` is when this controller did.
 */
export async function removeAbandoned({ scheduler, log }: Platform, startedAt: Date): Promise<void> {
  const containers = await scheduler.list()
  const abandoned = containers.filter(
    (container) => container.attached && Number(container.startedAt ?? 0) < Number(startedAt),
  )
  if (abandoned.length === 0) return
  log.info({ containers: abandoned.map(({ name }) => name) }, 'removing one-offs whose callers are gone')
  await Promise.all(abandoned.map(({ id }) => scheduler.remove(id, 1)))
}
