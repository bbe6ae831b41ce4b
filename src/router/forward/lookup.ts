import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns'
import { type LookupFunction } from 'node:net'
import { fileShortage, ownErrors } from './exhaustion.ts'

/** For so long an answer serves all who ask. */
const freshMs = 1000
/** A name server that does not answer is waited for this long where an older answer is known … */
const patientMs = 1000
/** … which serves until it is this old. */
const staleMs = 300_000

type Callback = Parameters<LookupFunction>[2]
type Answer = { error: NodeJS.ErrnoException | null; address: string | LookupAddress[]; family?: number }
/** `at`: when `answer` came; -Infinity: none has. `waiting`: for the look-up that is under way. */
type Name = { answer: Answer; at: number; waiting: Callback[] | undefined }
const nothing: Answer = { error: null, address: [] }

/**
 * Finds the addresses of names as Node does, through the system's resolver, but each name once at a time: a look-up
 * takes one of few threads until its name server answers or is given up, long after whoever asked has given up, and
 * other names wait behind it.
 */
export function createLookup(ask: typeof resolve = resolve, shortage = fileShortage): LookupFunction {
  const names = new Map<string, Name>()

  function nameOf(key: string, now: number): Name {
    const known = names.get(key)
    if (known !== undefined) return known
    for (const [other, { at, waiting }] of names)
      if (waiting === undefined && now - at > staleMs) names.delete(other)
    const name = { answer: nothing, at: -Infinity, waiting: undefined }
    names.set(key, name)
    return name
  }

  function start(name: Name, hostname: string, options: LookupOptions): Callback[] {
    const waiting: Callback[] = []
    name.waiting = waiting
    ask(hostname, options, (failure, address, family) => {
      name.waiting = undefined
      // A resolver that has no file left to ask with says that there is no such name.
      const error = failure === null ? null : (shortage() ?? failure)
      // Only a name server can say that a name is gone, and not one that cannot be asked.
      const isUnasked = error?.code === 'EAI_AGAIN' || ownErrors.has(error?.code)
      if (!isUnasked || performance.now() - name.at >= staleMs) {
        name.answer = { error, address, family }
        name.at = performance.now()
      }
      for (const tell of waiting) say(name.answer, tell)
    })
    return waiting
  }

  return (hostname, options, callback) => {
    const now = performance.now()
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0} ${options.all === true}`
    const name = nameOf(key, now)
    if (now - name.at < freshMs) {
      process.nextTick(() => say(name.answer, callback))
      return
    }
    const waiting = name.waiting ?? start(name, hostname, options)
    waiting.push(callback)
    if (now - name.at > staleMs) return
    setTimeout(() => {
      const place = waiting.indexOf(callback)
      if (place === -1 || name.waiting !== waiting) return
      waiting.splice(place, 1)
      say(name.answer, callback)
    }, patientMs).unref()
  }
}

function say({ error, address, family }: Answer, callback: Callback): void {
  callback(error, address, family)
}
