import { randomInt } from 'node:crypto'
import { type Platform } from '../apps/platform.ts'
import { specOf } from '../deploy/container-spec.ts'
import { paasLine } from '../logs/line.ts'
import { type App } from '../model/app.ts'
import { type CronRun } from '../model/cron-run.ts'
import { ProcessType } from '../model/names.ts'
import { type CronEntry, type Release } from '../model/release.ts'
import { whileItRuns } from '../run/in-background.ts'
import { type Container } from '../schedulers/scheduler.ts'

/** Seconds between SIGTERM and SIGKILL for a run that is stopped. */
const grace = 10

/** The process type of an entry's runs: containers tell by it what they are, also to the next controller. */
export const cronType = (name: string): ProcessType => ProcessType.parse(`cron-${name}`)

/** The entry of a container of cron; undefined for any other. */
export const entryOf = ({ slot }: Pick<Container, 'slot'>): string | undefined =>
  slot.type.startsWith('cron-') ? slot.type.slice('cron-'.length) : undefined

/**
 * Starts an entry once, as its overlap policy has it, and follows the run in the background. Resolves to the run's
 * name, `cron-cleanup.4821`; undefined where an earlier one still runs and that forbids it.
 */
export async function startRun(
  platform: Platform,
  { app, release }: { app: App; release: Release },
  entry: CronEntry,
  dueAt: Date | undefined,
): Promise<string | undefined> {
  const { scheduler } = platform
  const type = cronType(entry.name)
  const earlier = (await scheduler.list(app.id)).filter(({ slot, running }) => running && slot.type === type)
  if (earlier.length > 0 && entry.overlap === 'forbid') {
    await note(platform, app, `${type} was skipped: the run before has not ended`)
    return undefined
  }
  if (entry.overlap === 'replace') await Promise.all(earlier.map(({ id }) => scheduler.stop(id, grace)))
  const slot = { type, index: randomInt(1000, 10_000) }
  const spec = await specOf({ app, release }, slot, platform, { command: entry.command })
  const container = await scheduler.start({ ...spec, oneOff: true })
  await followRun(platform, app, container, { entry, dueAt })
  return `${type}.${slot.index}`
}

/** Records a run that has started, and in the background how it ends; also one that an earlier controller started. */
export async function followRun(
  platform: Platform,
  app: App,
  container: Container,
  { entry, dueAt }: { entry: Pick<CronEntry, 'name' | 'timeout'>; dueAt: Date | undefined },
): Promise<void> {
  const { scheduler, store, now } = platform
  const process = `${container.slot.type}.${container.slot.index}`
  const startedAt = container.startedAt ?? now()
  const begun: CronRun = {
    process,
    startedAt: startedAt.toISOString(),
    ...(dueAt !== undefined && { dueAt: dueAt.toISOString() }),
  }
  // Asked now: reconcile removes what has ended.
  const exit = scheduler.wait(container.id)
  exit.catch(() => undefined)
  await store.cronRuns.save(app.id, entry.name, begun)
  // Not longer than it may run, where the clock was set back meanwhile.
  const limit = entry.timeout * 1000
  const left = Math.min(limit, Math.max(0, startedAt.getTime() + limit - now().getTime()))
  whileItRuns(platform, `follow ${process}`, async () => {
    let reason: string | undefined
    const timer = setTimeout(() => {
      reason = `stopped after ${entry.timeout} s`
      scheduler.stop(container.id, grace).catch(() => undefined)
    }, left)
    timer.unref()
    const { code, oomKilled } = await exit
    clearTimeout(timer)
    if (oomKilled) reason = 'out of memory'
    const ended: CronRun = {
      ...begun,
      finishedAt: now().toISOString(),
      exitCode: code,
      ...(reason !== undefined && { reason }),
    }
    await store.cronRuns.save(app.id, entry.name, ended)
    await note(
      platform,
      app,
      `${process} exited with code ${code}${reason === undefined ? '' : `: ${reason}`}`,
    )
    await scheduler.remove(container.id, 1)
  })
}

const note = ({ logs, now }: Platform, app: App, text: string): Promise<void> =>
  logs.write(app.id, [paasLine(now(), 'cron', text)])
