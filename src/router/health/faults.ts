import { type Backend, type Ejection } from '../forward/backend.ts'
import { type Failure } from '../forward/backend-connection.ts'
import { type RouteTable, type TableRoute } from '../table/route-table.ts'
import { probe, type ProbeProblem } from './probe.ts'

/** Between two probes of an ejected backend, growing to the last. */
const probeDelaysMs = [500, 1000, 1000, 2000, 5000]
const probeTimeoutMs = 5000
const probePauseMs = 1000
/** Marks of one backend that are taken back when it answers again. */
const maxMarked = 1000
/** More makes Node's timers fire at once. */
export const maxTimerMs = 2 ** 31 - 1

const inWords: Record<Ejection, string> = {
  refused: 'it cannot be reached',
  connect: 'it cannot be reached',
  hang: 'it hangs',
  close: 'it closes connections without an answer',
}

/** `verdict`: an active check of ours has found it out. */
export type DeadMark = { host: string; url: string; index: number; backends: number; verdict: boolean }

/** What a probe has found to be the matter, where that is more than what raised the suspicion. */
const ejections: Record<ProbeProblem['kind'], Ejection | undefined> = {
  refused: 'refused',
  silent: 'hang',
  wrong: undefined,
}

/** A mark that was made here. */
type OwnMark = { readonly host: string; readonly index: number }

export type DeadMarks = {
  /** Resolves to whether it was written: what is no verdict is only announced while an active checker lives. */
  markDead(mark: DeadMark): Promise<boolean>
  unmarkDead(host: string, index: number): Promise<void>
  checkerLives(): Promise<boolean>
}

export type Faults = ReturnType<typeof createFaults>

/**
 * Takes backends that fail out of this worker's choice and probes them until they answer again. Failures of
 * connecting and telling statuses are also marked dead in Redis, as Hipache does, for all routers and checkers
 * to see; a mark of ours is taken back as soon as a probe succeeds.
 */
export function createFaults(
  table: RouteTable,
  marks: DeadMarks,
  policy: { deadBackendOn500: boolean; deadTtlSeconds: number },
  /** Whether a host has a health check of its own. */
  checked: (host: string) => boolean,
  report: (message: string) => void,
) {
  /** Dead marks made here, by backend. */
  const marked = new Map<Backend, Map<string, OwnMark>>()
  const suspected = new Set<Backend>()
  const ttlMs = policy.deadTtlSeconds * 1000
  let closed = false

  function mark(host: string, index: number, backend: Backend): void {
    const urls = table.lookup(host)?.urls ?? []
    // The only backend is never marked, nor another one, which an index may mean once the list has changed.
    if (urls.length < 2 || urls[index] !== backend.url) return
    const mark = { host, url: backend.url, index, backends: urls.length, verdict: false }
    const wasOut = backend.ejected !== undefined
    void marks.markDead(mark).then((written) => {
      if (!written) return
      const own = { host, index }
      // It may have answered before that was written.
      if (wasOut && backend.ejected === undefined) void takeBack(own, backend)
      else remember(own, backend)
    })
  }

  function remember(mark: OwnMark, backend: Backend): void {
    const own = marked.get(backend) ?? new Map<string, OwnMark>()
    // Wildcards have as many hosts as clients care to make up; marks that are not taken back expire.
    if (own.size >= maxMarked) return
    marked.set(backend, own)
    own.set(`${mark.host} ${mark.index}`, mark)
    setTimeout(() => outlived(mark, backend), Math.min(ttlMs + 500, maxTimerMs)).unref()
  }

  /** Redis ends a mark by the clock of the day; one that this outlives because the clock was set back ends here. */
  function outlived(mark: OwnMark, backend: Backend): void {
    const { host, index } = mark
    const own = marked.get(backend)
    // Made anew meanwhile, or taken back.
    if (own?.get(`${host} ${index}`) !== mark) return
    own.delete(`${host} ${index}`)
    if (own.size === 0) marked.delete(backend)
    const now = performance.now()
    const dead = table.deadOf(host, now)
    // What others have renewed ends within its time.
    if (closed || dead?.indexes.has(index) !== true || dead.until - now <= ttlMs) return
    void takeBack(mark, backend)
  }

  /** What an active checker has found out stands, which asks more than whether there is an answer. */
  async function takeBack({ host, index }: OwnMark, backend: Backend): Promise<void> {
    if (checked(host) || (await marks.checkerLives())) return
    if (table.lookup(host)?.urls[index] !== backend.url) return
    await marks.unmarkDead(host, index).catch(() => undefined)
  }

  function eject(backend: Backend, host: string, why: Ejection): void {
    if (backend.ejected !== undefined) return
    backend.ejected = why
    report(`${backend.url} gets no requests: ${inWords[why]}`)
    backend.dissolveQueue()
    void probeUntilBack(backend, host)
  }

  async function probeUntilBack(backend: Backend, host: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      await sleep(probeDelaysMs[Math.min(attempt, probeDelaysMs.length - 1)]!)
      if (closed || backend.routes === 0) break
      if ((await ask(backend, host)) === undefined) break
    }
    backend.ejected = undefined
    if (closed || backend.routes === 0) return void marked.delete(backend)
    report(`${backend.url} is back`)
    const own = marked.get(backend)
    marked.delete(backend)
    for (const mark of own?.values() ?? []) await takeBack(mark, backend)
  }

  /** Whatever is answered: who answers can be reached, and does not hang. */
  function ask(backend: Backend, host: string): Promise<ProbeProblem | undefined> {
    return probe(backend.address, {
      method: 'HEAD',
      path: '/',
      host,
      accepts: () => true,
      body: undefined,
      timeoutMs: probeTimeoutMs,
    })
  }

  /** Asks a question of our own: one request that is slow, or ends it, is no reason to take it from all others. */
  function suspect(host: string, index: number, backend: Backend, of: 'hang' | 'close'): void {
    if (suspected.has(backend) || backend.ejected !== undefined) return
    const since = backend.lastResponse
    suspected.add(backend)
    void ask(backend, host).then((problem) => {
      // Whatever goes wrong with requests, no more is asked than that.
      setTimeout(() => suspected.delete(backend), probePauseMs).unref()
      if (problem === undefined || backend.lastResponse !== since || closed) return
      const why = ejections[problem.kind] ?? of
      eject(backend, host, why)
      // Who closes on that one question may serve others, as a last resort, which a mark would not let it be.
      if (why !== 'close') mark(host, index, backend)
    })
  }

  return {
    failed(route: TableRoute, host: string, index: number, backend: Backend, failure: Failure): void {
      if (failure === 'timeout') suspect(host, index, backend, 'hang')
      // A lone backend is not taken out for refusing: it refuses quickly, and answers as soon as it can.
      if (route.urls.length < 2 && failure !== 'connectTimeout') return
      if (failure === 'reset') suspect(host, index, backend, 'close')
      if (failure === 'refused') eject(backend, host, 'refused')
      else if (failure === 'unreachable' || failure === 'connectTimeout') eject(backend, host, 'connect')
      if (failure === 'refused' || failure === 'connectTimeout') mark(host, index, backend)
    },

    /** Hipache's rule, as it was meant: 501 to 599 but a 503 with Retry-After; 500 while a checker lives. */
    responded(
      route: TableRoute,
      host: string,
      index: number,
      backend: Backend,
      status: number,
      retryAfter: boolean,
    ): void {
      if (status < 500 || route.urls.length < 2) return
      if (status === 503 && retryAfter) return
      if (status !== 500) mark(host, index, backend)
      else if (policy.deadBackendOn500) {
        void marks.checkerLives().then((lives) => {
          if (lives) mark(host, index, backend)
        })
      }
    },

    /** A request waits for long; where others could serve, that is found out before it times out. */
    slow(route: TableRoute, host: string, index: number, backend: Backend): void {
      if (route.urls.length > 1) suspect(host, index, backend, 'hang')
    },

    close(): void {
      closed = true
    },
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
