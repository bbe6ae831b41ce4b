import { setTimeout as sleep } from 'node:timers/promises'
import { type Platform } from '../apps/platform.ts'
import { messageOf } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type CronEntry, type Release } from '../model/release.ts'
import { dueRun } from './due.ts'
import { entryOf, followRun, startRun } from './run.ts'

/** Milliseconds between two looks at the clock, and between two at what there is to run. */
const lookEvery = 1000
const readEvery = 5000

type Job = { app: App; release: Release; entry: CronEntry; seen: Date }

/** Runs the cron entries of all apps when they are due, until the signal aborts. */
export async function keepCron(platform: Platform, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, Date>()
  let jobs: Job[] = []
  let readAt = -Infinity
  while (!signal.aborted) {
    try {
      if (performance.now() - readAt >= readEvery) {
        jobs = await readJobs(platform, seen)
        readAt = performance.now()
      }
      for (const job of jobs) await look(platform, job, seen)
    } catch (error) {
      platform.log.warn({ reason: messageOf(error) }, 'cron cannot look at what is due now')
    }
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
  }
}

/** Runs of an earlier controller go on, and how they end is recorded all the same. */
export async function adoptCronRuns(platform: Platform): Promise<void> {
  const { scheduler, store } = platform
  for (const container of await scheduler.list()) {
    const name = entryOf(container)
    if (name === undefined || !container.oneOff) continue
    const app = await store.apps.get(container.appId)
    if (app === undefined) continue
    const last = (await store.cronRuns.all(app.id))[name]
    const process = `${container.slot.type}.${container.slot.index}`
    if (last?.process === process && last.finishedAt !== undefined) continue
    const release = await store.releases.get(app.id, container.release)
    const entry = release?.image.cron?.find((one) => one.name === name) ?? { name, timeout: 24 * 3600 }
    const dueAt = last?.process === process && last.dueAt !== undefined ? new Date(last.dueAt) : undefined
    await followRun(platform, app, container, { entry, dueAt })
  }
}

const keyOf = (app: Pick<App, 'id'>, entry: CronEntry): string =>
  `${app.id} ${entry.name} ${entry.schedule} ${entry.timezone}`

async function readJobs({ store, now }: Platform, seen: Map<string, Date>): Promise<Job[]> {
  const jobs: Job[] = []
  for (const { app, release } of await store.releases.live(await store.apps.list())) {
    const entries = release.image.cron ?? []
    if (entries.length === 0) continue
    const runs = await store.cronRuns.all(app.id)
    for (const entry of entries) {
      const key = keyOf(app, entry)
      // Paused times are not made up for.
      if (app.pausedCron?.includes(entry.name) === true) {
        seen.set(key, now())
        continue
      }
      const last = runs[entry.name]
      const known = seen.get(key) ?? new Date(last?.dueAt ?? last?.startedAt ?? release.createdAt)
      jobs.push({ app, release, entry, seen: known })
    }
  }
  return jobs
}

async function look(platform: Platform, job: Job, seen: Map<string, Date>): Promise<void> {
  const { app, entry } = job
  const due = dueRun(entry, job.seen, platform.now())
  job.seen = due.seen
  seen.set(keyOf(app, entry), due.seen)
  if (due.run === undefined) return
  // One that cannot start must not keep the others waiting.
  const { run } = due
  platform.background(`run ${entry.name} of ${app.name}`, async () => {
    await startRun(platform, job, entry, run)
  })
}
