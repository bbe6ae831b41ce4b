import { type Backend, type Ejection, type Unreachable, type Unresponsive } from '../forward/backend.ts'
import { type Failure } from '../forward/backend-connection.ts'
import { type RouteTable, type TableRoute } from '../table/route-table.ts'
import { probe, type ProbeProblem } from './probe.ts'

/** Between two probes of an ejected backend, growing to the last. */
const probeDelaysMs = [500, 1000, 1000, 2000, 5000]
const probeTimeoutMs = 5000
const probePauseMs = 1000
/** Marks of one backend that are taken back when it answers again. */
const maxMarked = 1000
/** Questions that are asked of suspects at once. */
const maxSuspected = 1000
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

/** What a probe of a backend that can be connected to has found to be the matter. */
const unresponsive: Record<'silent' | 'wrong', Unresponsive> = { silent: 'hang', wrong: 'close' }

/** A mark that was made here; `written`: not only announced. */
type OwnMark = { readonly host: string; readonly index: number; readonly written: boolean }
const keyOf = ({ host, index }: OwnMark): string => `${host} ${index}`

export type DeadMarks = {
  /** Resolves to whether it was written: what is no verdict is only announced while an active checker lives. */
  markDead(mark: DeadMark): Promise<boolean>
  unmarkDead(host: string, index: number): Promise<void>
  checkerLives(): Promise<boolean>
}

export type FaultPolicy = {
  deadBackendOn500: boolean
  deadTtlSeconds: number
  /** For how long a request waits for the first byte of its answer; 0: for ever. */
  timeouts: { readonly firstByte: number }
}

export type Faults = ReturnType<typeof createFaults>

/**
 * Takes backends that fail out of this worker's choice and probes them until they answer again: for all hosts where
 * they cannot be connected to, else for the host whose requests they leave unanswered. Failures of connecting and
 * telling statuses are also marked dead in Redis, as Hipache does, for all routers and checkers to see; a mark of ours
 * is renewed while its reason lasts, and taken back as soon as that has gone.
 */
export function createFaults(
  table: RouteTable,
  marks: DeadMarks,
  policy: FaultPolicy,
  /** Whether a host has a health check of its own. */
  checked: (host: string) => boolean,
  report: (message: string) => void,
) {
  /** Dead marks made here, by backend. */
  const marked = new Map<Backend, Map<string, OwnMark>>()
  const suspected = new Set<string>()
  const ttlMs = policy.deadTtlSeconds * 1000
  /** An answer that would do for a request brings a backend back. */
  const patienceMs = Math.max(probeTimeoutMs, Math.min(policy.timeouts.firstByte || Infinity, 60_000))
  let closed = false

  /** The backends of a host, if this one is still at that index of them. */
  function urlsWith(host: string, index: number, backend: Backend): readonly string[] | undefined {
    const urls = table.lookup(host)?.urls
    return urls?.[index] === backend.url ? urls : undefined
  }

  function mark(host: string, index: number, backend: Backend): void {
    const backends = urlsWith(host, index, backend)?.length ?? 0
    // The only backend is never marked.
    if (backends < 2) return
    const wasOut = backend.ejectedFor(host) !== undefined
    void marks.markDead({ host, url: backend.url, index, backends, verdict: false }).then((written) => {
      const own = { host, index, written }
      // It may have answered before that was written.
      if (wasOut && backend.ejectedFor(host) === undefined) void takeBack(own, backend)
      else remember(own, backend)
    })
  }

  function remember(made: OwnMark, backend: Backend): void {
    const { host, index } = made
    const own = marked.get(backend) ?? new Map<string, OwnMark>()
    // Wildcards have as many hosts as clients care to make up; marks that are not taken back expire.
    if (own.size >= maxMarked && !own.has(keyOf(made))) return
    marked.set(backend, own)
    own.set(keyOf(made), made)
    /** Unless it was made anew meanwhile, or taken back. */
    const after = (ms: number, act: () => void): void =>
      void setTimeout(
        () => {
          if (!closed && marked.get(backend)?.get(keyOf(made)) === made) act()
        },
        Math.min(ms, maxTimerMs),
      ).unref()
    after(Math.max(ttlMs / 2, 500), () => {
      if (ttlMs > 0 && backend.ejectedFor(host) !== undefined) mark(host, index, backend)
    })
    after(ttlMs + 500, () => {
      forget(made, backend)
      outlived(made, backend)
    })
  }

  function forget(made: OwnMark, backend: Backend): void {
    const own = marked.get(backend)
    own?.delete(keyOf(made))
    if (own?.size === 0) marked.delete(backend)
  }

  /** Redis ends a mark by the clock of the day; one that this outlives because the clock was set back ends here. */
  function outlived(mark: OwnMark, backend: Backend): void {
    const now = performance.now()
    const dead = table.deadOf(mark.host, now)
    // What others have renewed ends within its time.
    if (dead?.indexes.has(mark.index) !== true || dead.until - now <= ttlMs) return
    void takeBack(mark, backend)
  }

  /** What an active checker has found out stands, which asks more than whether there is an answer. */
  async function takeBack({ host, index, written }: OwnMark, backend: Backend): Promise<void> {
    if (!written || checked(host) || (await marks.checkerLives())) return
    if (urlsWith(host, index, backend) === undefined) return
    await marks.unmarkDead(host, index).catch(() => undefined)
  }

  function ejectWhole(backend: Backend, host: string, why: Unreachable): void {
    if (backend.unreachable !== undefined) return
    backend.unreachable = why
    report(`${backend.url} gets no requests: ${inWords[why]}`)
    backend.dissolveQueue()
    void probeUntilBack(backend, host)
  }

  /** Returns whether it is out. */
  function ejectFor(backend: Backend, host: string, why: Unresponsive): boolean {
    if (backend.ejectedFor(host) !== undefined) return true
    if (!backend.unresponsiveTo(host, why)) return false
    report(`${backend.url} gets no requests for ${host}: ${inWords[why]}`)
    backend.dissolveQueue()
    void probeUntilBack(backend, host)
    return true
  }

  async function probeUntilBack(backend: Backend, host: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      await sleep(probeDelaysMs[Math.min(attempt, probeDelaysMs.length - 1)]!)
      // It may have answered a request meanwhile.
      if (closed || backend.ejectedFor(host) === undefined) return
      const isOfHost = table.lookup(host)?.urls.includes(backend.url) === true
      if (backend.routes === 0 || (backend.unreachable === undefined && !isOfHost)) break
      const isWhole = backend.unreachable !== undefined
      const answer = ask(backend, host, isWhole ? probeTimeoutMs : patienceMs).then((problem) =>
        judge(backend, host, isWhole, problem),
      )
      // One that hung may have forgotten the question when it has recovered.
      await Promise.race([answer, sleep(probeTimeoutMs)])
    }
    backend.unreachable = undefined
    backend.responsiveTo(host)
    if (backend.routes === 0) marked.delete(backend)
  }

  function judge(backend: Backend, host: string, isWhole: boolean, problem: ProbeProblem | undefined): void {
    if (closed || backend.ejectedFor(host) === undefined) return
    if (problem === undefined) {
      isBack(backend, host)
    } else if (isWhole && (problem.kind === 'silent' || problem.kind === 'wrong')) {
      // It can be connected to, so that what is left to find out may be about this host alone.
      backend.unreachable = undefined
      backend.unresponsiveTo(host, unresponsive[problem.kind])
      report(`${backend.url} can be reached`)
    }
  }

  /** It has answered a question about a host. */
  function isBack(backend: Backend, host: string): void {
    const isWhole = backend.unreachable !== undefined
    backend.unreachable = undefined
    backend.responsiveTo(host)
    report(isWhole ? `${backend.url} is back` : `${backend.url} is back for ${host}`)
    void takeBackMarks(backend, isWhole ? undefined : host)
  }

  /** Of one host, or of all that it is not out for. */
  async function takeBackMarks(backend: Backend, host: string | undefined): Promise<void> {
    for (const mark of [...(marked.get(backend)?.values() ?? [])]) {
      if (host === undefined ? backend.ejectedFor(mark.host) !== undefined : mark.host !== host) continue
      forget(mark, backend)
      await takeBack(mark, backend)
    }
  }

  /** Whatever is answered: who answers can be reached, and does not hang. */
  function ask(backend: Backend, host: string, timeoutMs: number): Promise<ProbeProblem | undefined> {
    const accepts = (): boolean => true
    return probe(backend.address, { method: 'HEAD', path: '/', host, accepts, body: undefined, timeoutMs })
  }

  /** Whether a host has another backend that is in. */
  function othersServe(host: string, index: number): boolean {
    const route = table.lookup(host)
    if (route === undefined) return false
    const dead = table.deadFor(route, host, performance.now())
    return table.backendsOf(route).some((backend, at) => {
      if (at === index || backend === undefined || dead?.has(at) === true) return false
      return (route.options?.weights[at] ?? 1) > 0 && backend.ejectedFor(host) === undefined
    })
  }

  /**
   * Asks a question of our own: one request that is slow, or ends it, is no reason to take it from all others.
   * `unlessLast`: it stays where nobody else is left, who may just be slow.
   */
  function suspect(
    host: string,
    index: number,
    backend: Backend,
    of: Unresponsive,
    unlessLast: boolean,
  ): void {
    const key = `${backend.url} ${host}`
    if (suspected.has(key) || suspected.size >= maxSuspected || backend.ejectedFor(host) !== undefined) return
    if (unlessLast && !othersServe(host, index)) return
    const since = backend.lastResponse
    suspected.add(key)
    void ask(backend, host, probeTimeoutMs).then((problem) => {
      // Whatever goes wrong with requests, no more is asked than that.
      setTimeout(() => suspected.delete(key), probePauseMs).unref()
      if (problem === undefined || backend.lastResponse !== since || closed) return
      if (problem.kind === 'exhausted') return
      const isLast = !othersServe(host, index)
      if (problem.kind === 'refused' || problem.kind === 'unreachable') {
        ejectWhole(backend, host, problem.kind === 'refused' ? 'refused' : 'connect')
        mark(host, index, backend)
        return
      }
      const why = problem.kind === 'silent' ? 'hang' : of
      if ((unlessLast && isLast) || !ejectFor(backend, host, why)) return
      // Who closes on that one question may serve others, as a last resort, which a mark would not let it be.
      if (why === 'hang' && !isLast) mark(host, index, backend)
    })
  }

  return {
    failed(route: TableRoute, host: string, index: number, backend: Backend, failure: Failure): void {
      if (failure === 'timeout') suspect(host, index, backend, 'hang', false)
      // A lone backend is not taken out for refusing: it refuses quickly, and answers as soon as it can.
      if (route.urls.length < 2 && failure !== 'connectTimeout') return
      if (failure === 'reset') suspect(host, index, backend, 'close', false)
      if (failure === 'refused') ejectWhole(backend, host, 'refused')
      else if (failure === 'unreachable' || failure === 'connectTimeout') ejectWhole(backend, host, 'connect')
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
      if (backend.responsiveTo(host)) {
        report(`${backend.url} is back for ${host}`)
        void takeBackMarks(backend, host)
      }
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
    slow(host: string, index: number, backend: Backend): void {
      suspect(host, index, backend, 'hang', true)
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
