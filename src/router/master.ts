import cluster, { type Worker as ClusterWorker } from 'node:cluster'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { filesToEnv, withFiles } from './accepted-files.ts'
import { userBufferFields } from './client/reading.ts'
import { cookieKeyBeside } from './cookie-key.ts'
import { serveControl, serveMetrics } from './control-server.ts'
import { type Logger } from './log.ts'
import { type ToWorker, ToMaster } from './messages.ts'
import { createStatsCollection } from './observe/collection.ts'
import { prometheusText } from './observe/prometheus.ts'
import { forgetMs, mergeStats, type Names, type RouterStats, routerStats } from './observe/stats.ts'
import { prepareAccessLog, prepareSnapshot, workerIdentity } from './privileges.ts'
import { type RouterSettings } from './settings.ts'
import { sharing } from './sharing.ts'

/** What a worker's environment tells it (worker.ts WorkerRole). */
export const workerEnv = {
  slot: 'PAAS_ROUTER_SLOT',
  replaces: 'PAAS_ROUTER_REPLACES',
  cookieKey: 'PAAS_ROUTER_COOKIE_KEY',
  snapshot: 'PAAS_ROUTER_SNAPSHOT',
  files: 'PAAS_ROUTER_FILES',
  mustKnowRoutes: 'PAAS_ROUTER_MUST_KNOW_ROUTES',
} as const

type Slot = {
  worker: ClusterWorker
  /** The id of the worker's record, once it serves. */
  id: string | undefined
  /** That of the worker whose place it has taken. */
  replaces: string | undefined
  startedAt: number
  crashes: number
  /** Whether it knows the routes. */
  routesKnown: boolean
}

/** Or has never been. */
const hasEnded = (worker: ClusterWorker): boolean => worker.process.pid === undefined || worker.isDead()

const readyMs = 30_000
/** A worker that lived this long did not crash at once, and its successor starts without delay. */
const steadyMs = 10_000
const maxRespawnMs = 10_000

/**
 * Starts the workers and keeps one in each place. They share their listening sockets, which last as long as one of them
 * does: what one that ends has not accepted is left to the others, and none is refused.
 */
export function startMaster(
  settings: RouterSettings,
  /** Reads the settings as they are now, and throws where they are wrong. */
  readSettings: () => RouterSettings | undefined,
  log: Logger,
) {
  // Requests leave nothing behind: with room for more of them between collections of the young generation, next to
  // nothing is copied. But where each read leaves a Buffer, a collection is felt by as many as it has to free.
  const roomMiB = settings.fastPath && userBufferFields() !== undefined ? 8 : 4
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    execArgv: [
      ...process.execArgv,
      // Its signal would open the inspector's port of a worker that does not listen to signals yet.
      '--disable-sigusr1',
      `--max-semi-space-size=${roomMiB}`,
      // V8 would take most of that room away from a worker with nothing to do, and give it back over many seconds of
      // load, in which it collects ten times as often.
      `--min-semi-space-size=${roomMiB}`,
      // Nor do connections. V8 would take it from those that live through a collection that a part of each is
      // better made in the old generation at once, where it keeps the rest alive until the next full collection.
      '--no-allocation-site-pretenuring',
      // Sockets differ in shape by where they come from and what became of them, and V8 searches for each property
      // where it has met more shapes than four.
      '--max-valid-polymorphic-map-count=16',
    ],
  })
  // Where none is asked for, one that ends with this process: for workers that follow others while Redis is away.
  const snapshot =
    settings.snapshot ?? join(tmpdir(), `paas-router-${randomBytes(16).toString('hex')}`, 'routes.json')
  /** Makes what workers with these settings write to, which they may not be allowed to. */
  function prepare(next: RouterSettings, before?: RouterSettings): void {
    const identity = workerIdentity(next)
    try {
      prepareAccessLog(next.accessLog, identity)
    } catch (error) {
      // Who serves without it goes on without it.
      if (next.accessLog !== before?.accessLog) throw error
      log.warn(messageOf(error))
    }
    try {
      prepareSnapshot(snapshot, identity)
    } catch (error) {
      if (settings.snapshot !== undefined) throw error
      log.warn(`${messageOf(error)} Workers that start while Redis is away will not know the routes.`)
    }
  }
  prepare(settings)
  const cookieKey = cookieKeyBeside(settings.snapshot)
  /** What workers go by. */
  let current = withFiles(settings)
  const slots = new Map<number, Slot>()
  const retiring = new Set<ClusterWorker>()
  /** Workers that have said that they serve, and so listen to what they are told; and whether they know the routes. */
  const serving = new Map<ClusterWorker, boolean>()
  const counted = createStatsCollection<ClusterWorker>((worker, id) =>
    send(worker, { type: 'stats', id, inParts: true }),
  )
  const waitingReady = new Map<ClusterWorker, () => void>()
  let stopping = false

  function fork(
    slot: number,
    replaces: string | undefined,
    crashes: number,
    mustKnowRoutes = false,
  ): ClusterWorker {
    const worker = cluster.fork({
      // Half of these threads look names up, and a name server that does not answer keeps one waiting for long.
      UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
      [workerEnv.slot]: String(slot),
      [workerEnv.cookieKey]: cookieKey,
      [workerEnv.replaces]: replaces ?? '',
      [workerEnv.snapshot]: snapshot,
      ...filesToEnv(workerEnv.files, current),
      [workerEnv.mustKnowRoutes]: mustKnowRoutes ? '1' : '0',
    })
    slots.set(slot, {
      worker,
      id: undefined,
      replaces,
      startedAt: performance.now(),
      crashes,
      routesKnown: false,
    })
    worker.on('message', (value: unknown) => {
      const parsed = ToMaster.safeParse(value)
      if (!parsed.success) return
      const message = parsed.data
      if (message.type === 'stats-part') {
        counted.toldPart(message.id, message.part)
        return
      }
      if (message.type === 'stats') {
        counted.told(worker, message.id, message.stats)
        return
      }
      if (message.type === 'gone') {
        counted.forget(message.names)
        askNext()
        return
      }
      if (message.type === 'terminated') {
        follow(worker)
        return
      }
      serving.set(worker, message.routesKnown)
      const place = slots.get(slot)
      if (place?.worker === worker) {
        place.id = message.id
        place.routesKnown = message.routesKnown
      }
      waitingReady.get(worker)?.()
    })
    // All that it has said has been read by then, which an exit does not say.
    worker.on('disconnect', () => {
      serving.delete(worker)
      counted.ended(worker)
    })
    worker.on('error', (error) => {
      log.warn(`worker ${worker.process.pid ?? '?'}: ${error.message}`)
      // What never was does not exit.
      if (worker.process.pid !== undefined) return
      delete cluster.workers?.[worker.id]
      exited(slot, worker, 'could not be started')
    })
    worker.on('exit', (code, signal) => exited(slot, worker, signal || code))
    return worker
  }

  function exited(slot: number, worker: ClusterWorker, how: string | number): void {
    serving.delete(worker)
    waitingReady.get(worker)?.()
    if (retiring.delete(worker) || stopping) return
    const place = slots.get(slot)
    if (place?.worker !== worker) return
    const lived = performance.now() - place.startedAt
    log.warn(`worker ${worker.process.pid ?? '?'} ended (${how})`)
    // One that has served was not hindered by what it started with.
    respawn(slot, place, lived > steadyMs || place.id !== undefined ? 0 : place.crashes + 1)
  }

  /** `crashes`: so many before it have ended at once. */
  function respawn(slot: number, place: Slot, crashes: number): void {
    const delay = crashes < 2 ? 0 : Math.min(maxRespawnMs, 100 * 2 ** crashes)
    if (delay > 0) log.warn(`another worker starts in ${delay} ms`)
    setTimeout(() => {
      if (stopping || slots.get(slot) !== place) return
      try {
        fork(slot, place.id ?? place.replaces, crashes)
      } catch (error) {
        // For want of memory, which may last.
        log.warn(messageOf(error))
        respawn(slot, place, crashes + 1)
      }
    }, delay)
  }

  /** Resolves to whether the worker serves. */
  function ready(worker: ClusterWorker): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        waitingReady.delete(worker)
        resolve([...slots.values()].some((place) => place.worker === worker && place.id !== undefined))
      }
      const timer = setTimeout(finish, readyMs)
      waitingReady.set(worker, finish)
    })
  }

  /** All that have not ended, those that are being replaced included. */
  const present = (): ClusterWorker[] =>
    Object.values(cluster.workers ?? {})
      .filter((worker) => worker !== undefined)
      .filter((worker) => !hasEnded(worker))

  const send = (worker: ClusterWorker, message: ToWorker): void => {
    if (worker.isConnected()) worker.send(message)
  }

  /** One that is still starting has nothing to finish, and does not hear; nor may one that hangs. */
  function letGo(worker: ClusterWorker, isLast: boolean): void {
    const end = (): void => void worker.process.kill('SIGKILL')
    if (!serving.has(worker)) return end()
    send(worker, { type: 'drain', isLast })
    const limit = setTimeout(end, current.drainMs + 3000)
    worker.once('exit', () => clearTimeout(limit))
  }

  function retire(worker: ClusterWorker): void {
    if (hasEnded(worker)) return
    retiring.add(worker)
    letGo(worker, false)
  }

  /** Throws where the new worker does not come to serve, and the old one goes on. */
  async function replace(slot: number): Promise<void> {
    if (stopping) throw new Error('the router is being stopped')
    const old = slots.get(slot)
    const predecessor = old !== undefined && hasEnded(old.worker) ? (old.id ?? old.replaces) : undefined
    const worker = fork(slot, predecessor, 0, (old ?? slots.get(0))?.routesKnown)
    if (await ready(worker)) {
      if (old !== undefined) retire(old.worker)
      return
    }
    retire(worker)
    if (old === undefined) slots.delete(slot)
    else slots.set(slot, old)
    // It may have ended meanwhile, when its place was not its own.
    if (old !== undefined && hasEnded(old.worker)) exited(slot, old.worker, 'during a reload')
    throw new Error('a new one did not start')
  }

  /** New workers first, each old one drained once its successor serves; it goes on where that one fails. */
  async function replaceAll(): Promise<{ workers: number }> {
    const before = current
    const next = withFiles(readSettings() ?? before)
    prepare(next, before)
    current = next
    let replaced = 0
    try {
      for (; replaced < next.workers; replaced += 1) await replace(replaced)
    } catch (cause) {
      current = before
      const which = replaced === 0 ? 'the present ones go on' : `${replaced} of ${next.workers} are replaced`
      throw new PaasError('START_FAILED', `Workers cannot be replaced (${messageOf(cause)}); ${which}.`, {
        cause,
        hint: "The router's own log says more.",
      })
    }
    for (const [slot, { worker }] of [...slots]) {
      if (slot < next.workers) continue
      slots.delete(slot)
      retire(worker)
    }
    return { workers: slots.size }
  }

  let replacing: Promise<unknown> = Promise.resolve()
  /** Two at once would take one place for the other's. */
  function inTurn<T>(replaceSome: () => Promise<T>): Promise<T> {
    const replaced = replacing.then(replaceSome)
    replacing = replaced.catch(() => undefined)
    return replaced
  }

  /** Not of what was read before it was asked for, which those who ask may have changed. */
  const reload = sharing(() => inTurn(replaceAll))

  /** Somebody has told a worker to end. */
  function follow(worker: ClusterWorker): void {
    inTurn(async () => {
      const [slot] = [...slots].find(([, place]) => place.worker === worker) ?? []
      if (slot === undefined || stopping) return
      log.info(
        `worker ${worker.process.pid ?? '?'} is told to end, and goes once another serves in its place`,
      )
      await replace(slot)
    }).catch((error: unknown) => {
      if (!stopping) log.warn(messageOf(error))
    })
  }

  let namesToAsk: Iterator<Names> = [].values()
  function askWhichAreGone(): void {
    namesToAsk = counted.names()
    askNext()
  }
  function askNext(): void {
    const [anyone] = serving.keys()
    const next = namesToAsk.next()
    if (anyone === undefined || next.done === true) return
    send(anyone, { type: 'which-are-gone', names: next.value })
  }

  /** What all have counted, and the workers that are here to stay. */
  const collectStats = sharing(async () => {
    // Whoever is asked answers this first, or the first of it where it is much.
    askWhichAreGone()
    const { living, ended, forgotten } = await counted.collect([...serving.keys()])
    const stats = living.map((one) => one.stats)
    const staying = living.filter(({ worker }) => !retiring.has(worker))
    return [
      mergeStats(stats, ended, forgotten),
      staying.map((one) => ({ ...one.stats, pid: one.worker.process.pid ?? 0 })),
    ] as const
  })
  const stats = async (): Promise<RouterStats> => routerStats(...(await collectStats()))
  const metrics = async (): Promise<string> => prometheusText(...(await collectStats()))
  const isReady = (): boolean => {
    const staying = [...serving].filter(([worker]) => !retiring.has(worker))
    return staying.length > 0 && staying.every(([, routesKnown]) => routesKnown)
  }

  const reopenLogs = (): void => {
    try {
      prepareAccessLog(current.accessLog, workerIdentity(current))
    } catch (error) {
      log.warn(messageOf(error))
    }
    for (const worker of present()) send(worker, { type: 'reopen-logs' })
  }
  const forgetting = setInterval(askWhichAreGone, forgetMs)
  const servers = [
    settings.controlSocket === undefined
      ? undefined
      : serveControl(
          settings.controlSocket,
          {
            stats,
            metrics,
            reload,
            'reopen-logs': async () => reopenLogs(),
          },
          (message) => log.warn(message),
        ),
    settings.metrics === undefined
      ? undefined
      : serveMetrics(settings.metrics, { metrics, isReady }, (message) => log.warn(message)),
  ]
  const first = Array.from({ length: settings.workers }, (_, slot) => ready(fork(slot, undefined, 0)))

  return {
    /** Resolves to whether every worker serves. */
    started: Promise.all(first).then((all) => all.every(Boolean)),
    reopenLogs,
    reload,
    /** Drains all workers and resolves when they are gone. */
    async stop(): Promise<void> {
      stopping = true
      clearInterval(forgetting)
      for (const server of servers) server?.close()
      const all = present()
      const gone = all.map((worker) => new Promise((resolve) => worker.once('exit', resolve)))
      for (const worker of all) letGo(worker, true)
      await Promise.all(gone)
      if (settings.snapshot !== undefined) return
      try {
        rmSync(dirname(snapshot), { recursive: true, force: true })
      } catch (error) {
        log.warn(messageOf(error))
      }
    },
  }
}
