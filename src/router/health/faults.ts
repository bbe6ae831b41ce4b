import { type LookupFunction } from 'node:net'
import { type Backend, type Ejection, type Unreachable, type Unresponsive } from '../forward/backend.ts'
import { type Failure } from '../forward/backend-connection.ts'
import { type ResponseHead } from '../http/response-head.ts'
import { hasOthers, type RouteTable, type TableRoute } from '../table/route-table.ts'
import { createOwnMarks, type DeadMarks } from './own-marks.ts'
import { probe, type ProbeProblem } from './probe.ts'

/** Between two probes of an ejected backend, growing to the last. */
const probeDelaysMs = [500, 1000, 1000, 2000, 5000]
const probeTimeoutMs = 5000
const probePauseMs = 1000
/** Hosts of one backend that are asked about at once. */
const maxAsked = 8
/** Suspicions of one backend that are looked into at once. */
const maxSuspected = 32
/** Hosts that one backend may be out for: those that have a route, and those that clients make up for a wildcard. */
const maxUnresponsive = { exact: 1000, wildcard: 32 }

const inWords: Record<Ejection, string> = {
  refused: 'it cannot be reached',
  connect: 'it cannot be reached',
  hang: 'it hangs',
  close: 'it gives no valid answers',
}

export type FaultPolicy = {
  deadBackendOn500: boolean
  deadTtlSeconds: number
  /** For how long a request waits for the first byte of its answer; 0: for ever. */
  timeouts: { readonly firstByte: number }
  /** Finds the addresses of a backend that has a name. */
  lookup: LookupFunction
}

/** How far the probes of a backend are. */
type Probing = {
  /** Which found it unreachable, and when. */
  host: string
  since: number
  attempt: number
  next: number
  /** Somebody else waits for it from now on. */
  hasten: () => void
}

export type Faults = ReturnType<typeof createFaults>

/**
 * Takes backends that fail out of this worker's choice and probes them until they answer again: for all hosts where
 * they cannot be connected to, else for the host whose requests they leave unanswered. Failures of connecting and
 * telling statuses are also marked dead (own-marks.ts).
 */
export function createFaults(
  table: RouteTable,
  deadMarks: DeadMarks,
  policy: FaultPolicy,
  /** Whether a host has a health check of its own. */
  checked: (host: string) => boolean,
  report: (message: string) => void,
) {
  const marks = createOwnMarks(table, deadMarks, policy.deadTtlSeconds * 1000, checked)
  /** By backend and host: whether a request was answered while we asked. */
  const suspected = new Map<Backend, Map<string, { answered: boolean }>>()
  const probing = new Map<Backend, Probing>()
  /** An answer that would do for a request brings a backend back. */
  const patienceMs = Math.max(probeTimeoutMs, Math.min(policy.timeouts.firstByte || Infinity, 60_000))
  let closed = false

  function ejectWhole(backend: Backend, host: string, why: Unreachable): void {
    const before = backend.unreachable
    if (before === why) return
    backend.unreachable = why
    backend.dissolveQueue(() => true)
    if (before !== undefined) return
    report(`${backend.url} gets no requests: ${inWords[why]}`)
    startProbing(backend, host)
  }

  /** Returns whether it is out. */
  function ejectFor(backend: Backend, host: string, why: Unresponsive): boolean {
    if (backend.ejectedFor(host) !== undefined) return true
    const most = maxUnresponsive[table.lookup(host)?.host === host ? 'exact' : 'wildcard']
    if (backend.unresponsiveHosts.length >= most) return false
    outFor(backend, host, why)
    report(`${backend.url} gets no requests for ${host}: ${inWords[why]}`)
    startProbing(backend, host)
    return true
  }

  function outFor(backend: Backend, host: string, why: Unresponsive): void {
    if (backend.ejectedFor(host) === why) return
    backend.unresponsiveTo(host, why)
    backend.dissolveQueue((waiting) => waiting === host)
  }

  function startProbing(backend: Backend, host: string): void {
    const present = probing.get(backend)
    if (present === undefined) {
      void probeUntilBack(backend, host)
      return
    }
    present.host = host
    present.since = performance.now()
    present.attempt = 0
    present.hasten()
  }

  async function probeUntilBack(backend: Backend, host: string): Promise<void> {
    const state: Probing = { host, since: performance.now(), attempt: 0, next: 0, hasten: () => undefined }
    probing.set(backend, state)
    for (;;) {
      await pause(state, probeDelaysMs[Math.min(state.attempt, probeDelaysMs.length - 1)]!)
      state.attempt += 1
      if (closed || backend.routes === 0) break
      const isWhole = backend.unreachable !== undefined
      const hosts = isWhole ? [state.host] : someOf(unresponsiveHosts(backend), state)
      if (hosts.length === 0) break
      const answers = hosts.map(async (asked) =>
        judge(backend, asked, isWhole, await ask(backend, asked, isWhole ? probeTimeoutMs : patienceMs)),
      )
      // One that hung may have forgotten the question when it has recovered.
      await Promise.race([Promise.all(answers), pause(state, probeTimeoutMs)])
    }
    probing.delete(backend)
    if (backend.routes > 0) return
    backend.unreachable = undefined
    for (const one of backend.unresponsiveHosts) backend.responsiveTo(one)
  }

  /** Those that it is out for, and still has a route of. */
  function unresponsiveHosts(backend: Backend): string[] {
    return backend.unresponsiveHosts.filter((host) => {
      const isOfHost = table.lookup(host)?.urls.includes(backend.url) === true
      if (!isOfHost) backend.responsiveTo(host)
      return isOfHost
    })
  }

  function judge(backend: Backend, host: string, isWhole: boolean, problem: ProbeProblem | undefined): void {
    if (closed || backend.ejectedFor(host) === undefined) return
    const isUnreachable = isWhole && backend.unreachable !== undefined
    const isSilent = problem?.kind === 'silent'
    if (problem === undefined) {
      isBack(backend, host)
    } else if (isUnreachable && (isSilent || problem.kind === 'wrong')) {
      // It can be connected to, so that what is left to find out may be about this host alone: by asking on its behalf,
      // where nobody else is left.
      backend.unreachable = undefined
      if (!isSilent || othersServe(host, backend)) backend.unresponsiveTo(host, isSilent ? 'hang' : 'close')
      report(`${backend.url} can be reached`)
      void marks.takeBack(backend, undefined)
    } else if (isUnreachable && problem.kind !== 'exhausted') {
      ejectWhole(backend, host, problem.kind === 'refused' ? 'refused' : 'connect')
    } else if (backend.unreachable === undefined && (isSilent || problem.kind === 'wrong')) {
      outFor(backend, host, isSilent ? 'hang' : 'close')
      if (isSilent && !othersServe(host, backend)) backend.letOneTry(host)
    }
  }

  /** It has answered a question about a host. */
  function isBack(backend: Backend, host: string): void {
    const isWhole = backend.unreachable !== undefined
    backend.unreachable = undefined
    backend.responsiveTo(host)
    report(isWhole ? `${backend.url} is back` : `${backend.url} is back for ${host}`)
    void marks.takeBack(backend, isWhole ? undefined : host)
    // The others it may answer as well.
    const state = probing.get(backend)
    if (state !== undefined) state.attempt = 0
  }

  /** Whatever is answered: who answers can be reached, and does not hang. */
  function ask(backend: Backend, host: string, timeoutMs: number): Promise<ProbeProblem | undefined> {
    const accepts = (): boolean => true
    return probe(backend.address, {
      method: 'HEAD',
      path: '/',
      host,
      accepts,
      body: undefined,
      timeoutMs,
      lookup: policy.lookup,
    })
  }

  /** Whether a host has another backend that is in. */
  function othersServe(host: string, backend: Backend): boolean {
    const route = table.lookup(host)
    if (route === undefined) return false
    const dead = table.deadFor(route, host, performance.now())
    return table.backendsOf(route).some((other, at) => {
      if (other === backend || other === undefined || dead?.has(at) === true) return false
      return (route.options?.weights[at] ?? 1) > 0 && other.ejectedFor(host) === undefined
    })
  }

  /**
   * Asks a question of our own: one request that is slow, or ends it, is no reason to take it from all others.
   * `unlessLast`: it stays where nobody else is left, who may just be slow.
   */
  async function suspect(
    host: string,
    index: number,
    backend: Backend,
    of: Unresponsive,
    unlessLast: boolean,
  ): Promise<void> {
    const present = suspected.get(backend) ?? new Map<string, { answered: boolean }>()
    if (present.has(host) || present.size >= maxSuspected || backend.ejectedFor(host) !== undefined) return
    if (unlessLast && !othersServe(host, backend)) return
    const suspicion = { answered: false }
    suspected.set(backend, present.set(host, suspicion))
    const problem = await ask(backend, host, probeTimeoutMs)
    // Whatever goes wrong with requests, no more is asked than that.
    setTimeout(() => {
      present.delete(host)
      if (present.size === 0) suspected.delete(backend)
    }, probePauseMs).unref()
    if (problem === undefined || suspicion.answered || closed || problem.kind === 'exhausted') return
    const isLast = !othersServe(host, backend)
    if (problem.kind === 'refused' || problem.kind === 'unreachable') {
      ejectWhole(backend, host, problem.kind === 'refused' ? 'refused' : 'connect')
      marks.mark(host, index, backend)
      return
    }
    const why = problem.kind === 'silent' ? 'hang' : of
    if ((unlessLast && isLast) || !ejectFor(backend, host, why)) return
    // Who closes on that one question may serve others, as a last resort, which a mark would not let it be.
    if (why === 'hang' && !isLast) marks.mark(host, index, backend)
  }

  /** A request of `since` has been answered. */
  function heard(backend: Backend, host: string, since: number): void {
    const suspicion = suspected.get(backend)?.get(host)
    if (suspicion !== undefined) suspicion.answered = true
    if (backend.unreachable !== undefined) {
      // Not one that it had before: who ends answers what it has.
      if (since > (probing.get(backend)?.since ?? Infinity)) isBack(backend, host)
      return
    }
    if (!backend.responsiveTo(host)) return
    report(`${backend.url} is back for ${host}`)
    void marks.takeBack(backend, host)
  }

  return {
    failed(route: TableRoute, host: string, index: number, backend: Backend, failure: Failure): void {
      if (failure === 'timeout') void suspect(host, index, backend, 'hang', false)
      // A lone backend is not taken out for refusing: it refuses quickly, and answers as soon as it can.
      if (!hasOthers(route.urls) && failure !== 'connectTimeout') return
      if (failure === 'reset' || failure === 'malformed') void suspect(host, index, backend, 'close', false)
      if (failure === 'refused') ejectWhole(backend, host, 'refused')
      else if (failure === 'unreachable' || failure === 'connectTimeout') ejectWhole(backend, host, 'connect')
      // One that is asked although it is marked would keep the marks of others alive.
      const isMarked = table.deadFor(route, host, performance.now())?.has(index) === true
      if (!isMarked && (failure === 'refused' || failure === 'connectTimeout'))
        marks.mark(host, index, backend)
    },

    /** Hipache's rule, as it was meant: 501 to 599 but a 503 with Retry-After; 500 while a checker lives. */
    responded(
      host: string,
      index: number,
      backend: Backend,
      /** When it was asked. */
      since: number,
      { status, retryAfter }: Pick<ResponseHead, 'status' | 'retryAfter'>,
    ): void {
      if (suspected.size + probing.size > 0) heard(backend, host, since)
      if (status < 500 || !hasOthers(table.lookup(host)?.urls ?? [])) return
      if ((status === 503 && retryAfter) || (status === 500 && !policy.deadBackendOn500)) return
      // The last one that serves goes on, as its answers are better than none; but a checker is told, and decides.
      if (status !== 500 && othersServe(host, backend)) marks.mark(host, index, backend)
      else {
        void deadMarks.checkerLives().then((lives) => {
          if (lives) marks.mark(host, index, backend)
        })
      }
    },

    /** A request waits for long; where others could serve, that is found out before it times out. */
    slow(host: string, index: number, backend: Backend): void {
      void suspect(host, index, backend, 'hang', true)
    },

    /** A route that it is in has changed. */
    left(backend: Backend): void {
      marks.left(backend)
    },

    close(): Promise<void> {
      closed = true
      return marks.close()
    },
  }
}

/** As many in turn as are asked about at once. */
function someOf(hosts: readonly string[], turn: { next: number }): string[] {
  if (hosts.length <= maxAsked) return [...hosts]
  const from = turn.next % hosts.length
  turn.next = from + maxAsked
  return [...hosts.slice(from), ...hosts.slice(0, from)].slice(0, maxAsked)
}

/** Waits as long as it says, or for the first delay from when it is hastened. */
function pause(probing: Probing, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (after: number): void => void setTimeout(resolve, after).unref()
    probing.hasten = () => end(probeDelaysMs[0]!)
    end(ms)
  })
}
