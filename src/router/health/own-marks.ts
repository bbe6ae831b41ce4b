import { type Backend } from '../forward/backend.ts'
import { type RouteTable, type TableRoute } from '../table/route-table.ts'

/** Marks of one backend that are taken back when it answers again. */
const maxMarked = 1000
/** Marks of one backend for hosts that only a wildcard serves: there are as many as clients care to make up. */
const maxMadeUp = 32
/** After this a checker that died is found out, and what it was told is written. */
const announcedMs = 10_000
/** Redis may end a key a little later than it was asked to. */
const graceMs = 100
/** More makes Node's timers fire at once. */
export const maxTimerMs = 2 ** 31 - 1

/** `verdict`: an active check of ours has found it out. */
export type DeadMark = { host: string; url: string; index: number; backends: number; verdict: boolean }

export type DeadMarks = {
  /** Resolves to whether it was written: what is no verdict is only announced while an active checker lives. */
  markDead(mark: DeadMark): Promise<boolean>
  unmarkDead(host: string, index: number): Promise<void>
  checkerLives(): Promise<boolean>
}

/** A mark that was made here; `written`: not only announced. */
type OwnMark = { readonly host: string; readonly index: number; readonly written: boolean }
const keyOf = ({ host, index }: OwnMark): string => `${host} ${index}`

/**
 * The dead marks that this worker makes, as Hipache does, for all routers and checkers to see. While its backend is out
 * a mark is made anew once Redis has let go of it, and taken back as soon as it answers.
 */
export function createOwnMarks(
  table: RouteTable,
  marks: DeadMarks,
  ttlMs: number,
  /** Whether a host has a health check of its own. */
  checked: (host: string) => boolean,
) {
  const marked = new Map<Backend, Map<string, OwnMark>>()
  /** Hosts that a mark is being written for. */
  const pending = new WeakMap<Backend, Set<string>>()
  let closed = false

  /** The route of a host, if this backend is still at that index of it. */
  function routeWith(host: string, index: number, backend: Backend): TableRoute | undefined {
    const route = table.lookup(host)
    return route?.urls[index] === backend.url ? route : undefined
  }

  const isMarked = (made: OwnMark, backend: Backend): boolean =>
    !closed && marked.get(backend)?.get(keyOf(made)) === made

  function mark(host: string, index: number, backend: Backend): void {
    const route = routeWith(host, index, backend)
    // The only backend is never marked.
    if (route === undefined || !servesWithout(route, backend) || isTooMany(host, backend)) return
    const backends = route.urls.length
    const wasOut = backend.ejectedFor(host) !== undefined
    const asking = pending.get(backend) ?? new Set<string>()
    pending.set(backend, asking.add(host))
    void marks.markDead({ host, url: backend.url, index, backends, verdict: false }).then((written) => {
      asking.delete(host)
      const made = { host, index, written }
      const isOut = backend.ejectedFor(host) !== undefined
      const isGone = routeWith(host, index, backend) === undefined
      // It may have answered or left its place, or this worker ended, before that was written.
      if (closed || isGone || (wasOut && !isOut)) void takeBack(made)
      else if (written || isOut) remember(made, backend)
    })
  }

  /** Each mark is a key in Redis, and something to remember for every router. */
  function isTooMany(host: string, backend: Backend): boolean {
    if (table.get(host) !== undefined) return false
    const hosts = new Set(pending.get(backend))
    for (const made of marked.get(backend)?.values() ?? []) hosts.add(made.host)
    return !hosts.has(host) && [...hosts].filter((one) => table.get(one) === undefined).length >= maxMadeUp
  }

  function remember(made: OwnMark, backend: Backend): void {
    const own = marked.get(backend) ?? new Map<string, OwnMark>()
    // Marks that are not taken back expire.
    if (own.size >= maxMarked && !own.has(keyOf(made))) return
    marked.set(backend, own)
    own.set(keyOf(made), made)
    wait(made, backend, made.written ? ttlMs : Math.min(ttlMs, announcedMs))
  }

  function wait(made: OwnMark, backend: Backend, ms: number): void {
    setTimeout(() => lapsed(made, backend), Math.min(ms + graceMs, maxTimerMs)).unref()
  }

  /** Its time is over, in which others may have renewed all marks of its host: they have one end in Redis. */
  function lapsed(made: OwnMark, backend: Backend): void {
    if (!isMarked(made, backend)) return
    const { host, index } = made
    const now = performance.now()
    const dead = table.deadOf(host, now)
    const left = dead?.indexes.has(index) === true ? dead.until - now : 0
    const why = backend.ejectedFor(host)
    if (ttlMs > 0 && why !== undefined && why !== 'close' && !checked(host)) {
      // Not renewed before, which would keep the marks of others alive.
      if (left > 0) {
        wait(made, backend, Math.min(left, ttlMs))
        return
      }
      forget(made, backend)
      mark(host, index, backend)
      return
    }
    forget(made, backend)
    // Redis goes by the clock of the day; one that outlives its time because that was set back ends here.
    if (left > ttlMs) void takeBack(made)
  }

  function forget(made: OwnMark, backend: Backend): void {
    const own = marked.get(backend)
    own?.delete(keyOf(made))
    if (own?.size === 0) marked.delete(backend)
  }

  /** Whether somebody has made it anew who means it to stay; ours always end. */
  function isWithoutEnd(host: string): boolean {
    return table.deadOf(host, performance.now())?.until === Infinity
  }

  /** What an active checker has found out stands, which asks more than whether there is an answer. */
  async function takeBack({ host, index, written }: OwnMark): Promise<void> {
    if (!written || checked(host) || isWithoutEnd(host) || (await marks.checkerLives())) return
    await marks.unmarkDead(host, index).catch(() => undefined)
  }

  return {
    mark,

    /** Takes back what was marked of a backend, for one host or all, but where it is still out. */
    async takeBack(backend: Backend, host: string | undefined): Promise<void> {
      for (const made of [...(marked.get(backend)?.values() ?? [])]) {
        // It may have been made anew meanwhile.
        if (!isMarked(made, backend)) continue
        const why = backend.ejectedFor(made.host)
        if ((host !== undefined && made.host !== host) || (why !== undefined && why !== 'close')) continue
        forget(made, backend)
        await takeBack(made)
      }
    },

    /** A route has changed: what another backend has the place of now was not found out about that one. */
    left(backend: Backend): void {
      for (const made of [...(marked.get(backend)?.values() ?? [])]) {
        if (routeWith(made.host, made.index, backend) !== undefined) continue
        forget(made, backend)
        void takeBack(made)
      }
    },

    /** Leaves no mark behind that nobody would take back: who comes next finds out itself. */
    async close(): Promise<void> {
      closed = true
      const all = [...marked.values()].flatMap((own) => [...own.values()].map(takeBack))
      marked.clear()
      await Promise.all(all)
    },
  }
}

/** Whether a route has another backend for its requests: it may have one several times, and some of no weight. */
function servesWithout({ urls, options }: TableRoute, { url }: Backend): boolean {
  return urls.some((other, i) => other !== url && (options?.weights[i] ?? 1) > 0)
}
