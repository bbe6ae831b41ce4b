import { type Platform } from '../apps/platform.ts'
import { cronType } from '../cron/run.ts'
import { PaasError } from '../errors/paas-error.ts'
import { showLogs } from '../logs/show.ts'
import { type App } from '../model/app.ts'
import { ProcessType } from '../model/names.ts'
import { type Image } from '../model/release.ts'
import { deployTasks } from './task.ts'

/** What lines in the log of any app may be called, by whom they are from: paas itself, or what it runs beside the app. */
const ofAny: readonly string[] = ['build', 'check', 'cron', 'deploy', 'router', 'run', ...deployTasks]

/**
 * Throws NOT_FOUND for a process type, or a process, of which an app can have no line: no release of it has such a
 * type or such a cron entry, and the log has no line of it either. Before the first release nobody knows.
 */
export async function refuseUnknownName(platform: Platform, app: App, wanted: string): Promise<void> {
  const type = wanted.split('.')[0]!
  if (ofAny.includes(type)) return
  const releases = await platform.store.releases.list(app.id)
  const known = [
    ...new Set([...Object.keys(app.formation), ...releases.flatMap(({ image }) => typesOf(image))]),
  ]
  if (releases.length === 0 ? ProcessType.safeParse(type).success : known.includes(type)) return
  if (await hasLines(platform, app, wanted)) return
  throw new PaasError(
    'NOT_FOUND',
    `Nothing of ${app.name} is called ${JSON.stringify(wanted.slice(0, 64))}.`,
    {
      hint: `There are: ${[...known, ...ofAny].filter((name, i, all) => all.indexOf(name) === i).join(', ')}`,
    },
  )
}

const typesOf = ({ processes, cron = [] }: Image): string[] => [
  ...Object.keys(processes),
  ...cron.map(({ name }) => cronType(name)),
]

async function hasLines({ logs, now }: Platform, { id }: App, filter: string): Promise<boolean> {
  let found = false
  const signal = new AbortController().signal
  const query = { count: 1, since: undefined, filter, now: now(), follow: false, signal }
  await showLogs(logs, id, query, async (lines) => {
    found ||= lines.length > 0
  })
  return found
}
