import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns'
import { type LookupFunction } from 'node:net'

/** For so long an answer serves all who ask. */
const freshMs = 1000
/** A name server that does not answer is waited for this long where an older answer is known … */
const patientMs = 1000
/** … which serves until it is this old. */
const staleMs = 300_000

type Callback = Parameters<LookupFunction>[2]
type Answer = { error: NodeJS.ErrnoException | null; address: string | LookupAddress[]; family?: number }
type Name = { answer: Answer | undefined; at: number; waiting: Callback[] | undefined }

/**
 * Finds the addresses of names as Node does, through the system's resolver, but each name once at a time: a look-up
 * takes one of few threads until its name server answers or is given up, long after whoever asked has given up, and
 * other names wait behind it.
 */
export function createLookup(ask: typeof resolve = resolve): LookupFunction {
  const names = new Map<string, Name>()

  function forgetOld(now: number): void {
    for (const [key, { at, waiting }] of names)
      if (waiting === undefined && now - at > staleMs) names.delete(key)
  }

  function start(name: Name, hostname: string, options: LookupOptions): Callback[] {
    const waiting: Callback[] = []
    name.waiting = waiting
    ask(hostname, options, (error, address, family) => {
      name.waiting = undefined
      // Only a name server can say that a name is gone, and not one that cannot be asked.
      const isUnsaid = error?.code === 'EAI_AGAIN' && performance.now() - name.at < staleMs
      if (!isUnsaid) {
        name.answer = { error, address, family }
        name.at = performance.now()
      }
      for (const tell of waiting) say(name, tell)
    })
    return waiting
  }

  return (hostname, options, callback) => {
    const now = performance.now()
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0} ${options.all === true}`
    let name = names.get(key)
    if (name === undefined) {
      forgetOld(now)
      name = { answer: undefined, at: -Infinity, waiting: undefined }
      names.set(key, name)
    }
    const known = name
    if (now - known.at < freshMs) {
      process.nextTick(() => say(known, callback))
      return
    }
    const waiting = known.waiting ?? start(known, hostname, options)
    waiting.push(callback)
    if (now - known.at > staleMs) return
    setTimeout(() => {
      const place = waiting.indexOf(callback)
      if (place === -1 || known.waiting !== waiting) return
      waiting.splice(place, 1)
      say(known, callback)
    }, patientMs).unref()
  }
}

function say({ answer }: Name, callback: Callback): void {
  if (answer === undefined) throw new Error('nothing is known of the name yet')
  const { error, address, family } = answer
  callback(error, address, family)
}
