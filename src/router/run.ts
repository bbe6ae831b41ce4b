import cluster from 'node:cluster'
import { readFileSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { PaasError, messageOf } from '../errors/paas-error.ts'
import { type AcceptedFiles, filesFromEnv } from './accepted-files.ts'
import { routerSettings, routerUsage } from './arguments.ts'
import { tryListeners } from './listeners.ts'
import { routerLogger } from './log.ts'
import { startMaster, workerEnv } from './master.ts'
import { type ToMaster, ToWorker } from './messages.ts'
import { atOnce } from './observe/stats.ts'
import { become, workerIdentity } from './privileges.ts'
import { type RouterSettings } from './settings.ts'
import { startWorker } from './worker.ts'

/** For so long at a time a worker tells what it has counted; for less, it would take long where it is busy. */
const tellingMs = 4

/** The router: one master, which forks its own entry as its workers. Resolves once it listens to signals. */
export async function runRouter(): Promise<void> {
  try {
    await run()
  } catch (error) {
    process.stderr.write(`paas router: ${messageOf(error)}\n`)
    if (error instanceof PaasError && error.hint !== undefined) process.stderr.write(`${error.hint}\n`)
    // Workers that a master has started already would keep it alive.
    process.exit(error instanceof PaasError && cluster.isPrimary ? error.exitCode : 1)
  }
}

async function run(): Promise<void> {
  const log = routerLogger(cluster.isPrimary ? 'router' : `router worker ${process.pid}`)
  const warn = (message: string): void => {
    if (cluster.isPrimary) log.warn(message)
  }
  const read = (accepted?: AcceptedFiles): RouterSettings | undefined =>
    routerSettings(process.argv.slice(2), process.env.PAAS_ROOT ?? '/', warn, accepted)
  const settings = read(filesFromEnv(workerEnv.files, process.env))
  if (settings === undefined) process.stdout.write(routerUsage)
  else if (cluster.isPrimary) await runMaster(settings, read, log)
  else await runWorker(settings, log)
}

async function runMaster(
  settings: RouterSettings,
  read: () => RouterSettings | undefined,
  log: ReturnType<typeof routerLogger>,
): Promise<void> {
  await tryListeners(settings)
  const master = startMaster(settings, read, log)
  process.on('SIGUSR1', master.reopenLogs)
  process.on('SIGUSR2', () => undefined)
  process.on('SIGHUP', () => {
    master.reload().catch((error: unknown) => log.warn(messageOf(error)))
  })
  let stopped: Promise<void> | undefined
  const stop = (): void => void (stopped ??= master.stop().then(() => process.exit(0)))
  process.on('SIGTERM', stop)
  // As nginx; and as the last one that a terminal can send, to the workers too.
  process.on('SIGQUIT', stop)
  // Who presses Ctrl-C twice means it.
  process.once('SIGINT', stop)
  void master.started.then((all) => {
    if (all) log.info(`serving with ${settings.workers} workers`)
  })
}

async function runWorker(settings: RouterSettings, log: ReturnType<typeof routerLogger>): Promise<void> {
  /** Resolves once it is sent, or cannot be. */
  const tell = (message: ToMaster): Promise<void> =>
    new Promise((resolve) => process.send?.(message, undefined, {}, () => resolve()))
  // The master decides when a worker goes; a terminal's Ctrl-C reaches both.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)
    process.on(signal, () => undefined)
  process.on('SIGTERM', () => void tell({ type: 'terminated' }))
  offerToTheKernel()
  const { env } = process
  const replaces = env[workerEnv.replaces]
  const worker = await startWorker(
    settings,
    {
      slot: Number(env[workerEnv.slot] ?? 0),
      replaces: replaces === '' ? undefined : replaces,
      cookieKey: env[workerEnv.cookieKey] ?? '',
      // A master of an earlier version does not say.
      snapshot: env[workerEnv.snapshot] ?? settings.snapshot,
      mustKnowRoutes: env[workerEnv.mustKnowRoutes] === '1',
    },
    log,
  )
  const identity = workerIdentity(settings)
  if (identity !== undefined) become(identity)
  worker.keepSnapshot()
  process.on('message', (value: unknown) => {
    const parsed = ToWorker.safeParse(value)
    if (!parsed.success) return
    const message = parsed.data
    if (message.type === 'stats' && message.inParts) void tellInParts(message.id)
    else if (message.type === 'stats') void tellAtOnce(message.id)
    else if (message.type === 'which-are-gone')
      void tell({ type: 'gone', names: worker.goneOf(message.names) })
    else if (message.type === 'reopen-logs') worker.reopenLogs()
    else {
      void worker
        .drain(message.isLast)
        .then(() => tellAtOnce(0))
        .then(() => process.exit(0))
    }
  })
  const tellAtOnce = (id: number): Promise<void> => tell({ type: 'stats', id, stats: atOnce(worker.stats()) })
  async function tellInParts(id: number): Promise<void> {
    const stats = worker.stats()
    let since = performance.now()
    let next = stats.next()
    for (; next.done !== true; next = stats.next()) {
      await tell({ type: 'stats-part', id, part: next.value })
      if (performance.now() - since < tellingMs) continue
      // Whoever has asked for a page meanwhile is served first.
      await setImmediate()
      since = performance.now()
    }
    await tell({ type: 'stats', id, stats: next.value })
  }
  const tellReady = (): void => void tell({ type: 'ready', id: worker.id, routesKnown: worker.routesKnown() })
  tellReady()
  if (!worker.routesKnown()) void worker.loaded.then(tellReady)
}

/** Where memory is short the kernel is to end a worker, whose place is filled. */
function offerToTheKernel(): void {
  const path = '/proc/self/oom_score_adj'
  try {
    writeFileSync(path, String(Math.min(1000, Number(readFileSync(path, 'utf8')) + 100)))
  } catch {
    // As long as it runs, all is well.
  }
}
