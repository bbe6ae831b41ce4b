import { closeSync, fstatSync, openSync, readSync, write, writeSync } from 'node:fs'
import { messageOf } from '../../errors/paas-error.ts'
import { type Finished, never } from '../forward/plane.ts'
import { writeLatin1 } from '../http/bytes.ts'
import { openLog } from './log-file.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const flushBytes = 256 * 1024
/** For so long a line waits for others; those of a worker that is killed are lost. */
const flushMs = 50
/** Lines are made so many at a time, which takes less than one by one between other work. */
const together = 64
/** And no more where they are long, so that other work does not wait for them. */
const togetherBytes = 32 * 1024
/** When the disk does not take lines, this much waits; later lines are lost, and counted. */
const bufferBytes = 1024 * 1024
/** A disk that takes longer for a write is not waited for. */
const patientMs = 1000
const newline = 10
/** Each buffer begins with a newline, which is written only after half a line. */
const start = 1

const pad = (number: number): string => String(number).padStart(2, '0')

function timestamp(date: Date): string {
  return (
    `${pad(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}:` +
    `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())} +0000`
  )
}

/** What has to be written otherwise than it is. */
const unfit = /["\\]|[^\x20-\x7e]/
const written = Array.from({ length: 256 }, (_, code) => {
  const char = String.fromCharCode(code)
  return unfit.test(char) ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}` : char
})

/** Quotes and control characters as `\xHH`, as nginx does, so that nobody writes lines of their own. */
function escaped(text: string): string {
  if (!unfit.test(text)) return text
  // Not `replace`, which takes milliseconds for a head of such characters.
  let line = ''
  for (let i = 0; i < text.length; i += 1) line += written[text.charCodeAt(i)]!
  return line
}

/** A text of Redis as its bytes, each a character, which is what everything else here is. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

const shortSeconds = Array.from({ length: 1000 }, (_, ms) => String(ms / 1000))

function seconds(ms: number): string {
  const whole = Math.round(ms)
  return shortSeconds[whole] ?? String(whole / 1000)
}

/** `make`, which is not called again for what it was called with last. */
function remembering<A, B, C>(make: (a: A, b: B, c: C | undefined) => string): (a: A, b: B, c?: C) => string {
  let lastA: A | undefined
  let lastB: B | undefined
  let lastC: C | undefined
  let made: string | undefined
  return (a, b, c) => {
    if (made === undefined || a !== lastA || b !== lastB || c !== lastC) {
      made = make(a, b, c)
      lastA = a
      lastB = b
      lastC = c
    }
    return made
  }
}

/**
 * Makes Hipache's lines: address, time of the request, request line, status, bytes, referer, user agent, the route's
 * identifier, total and backend seconds. Each piece of a line costs, and much of it is as it was in the line before.
 */
export function accessLines(): (finished: Finished, time: string) => string {
  const beginning = remembering(
    (address: string, time: string) =>
      `${address.includes(':') ? address : `::ffff:${address}`} - - [${time}] "`,
  )
  const request = remembering(
    (method: string, target: string, minor?: number) => `${method} ${escaped(target)} HTTP/1.${minor}" `,
  )
  const answer = remembering((status: number, bytes: number) => `${status} ${bytes}`)
  const about = remembering(
    (referer: string, userAgent: string, identifier?: string) =>
      ` "${escaped(referer)}" "${escaped(userAgent)}" "${escaped(bytesOf(identifier ?? ''))}" `,
  )
  const times = remembering((total: string, backend: string) => `${total} ${backend}\n`)
  return (finished, time) => {
    const { asked, finishedAt, backendStartedAt } = finished
    return (
      beginning(finished.address, time) +
      request(asked.method, asked.target, asked.minor) +
      // As nginx writes it of a client that has gone before its answer.
      answer(finished.status || 499, finished.bytesSent) +
      about(asked.referer, asked.userAgent, finished.route?.identifier) +
      times(
        seconds(finishedAt - finished.startedAt),
        backendStartedAt === never ? '0' : seconds(finishedAt - backendStartedAt),
      )
    )
  }
}

export type AccessLog = ReturnType<typeof openAccessLog>

/**
 * Appends lines to a file, gathered so that a request costs no system call. Several workers may append to the
 * same file: each write is whole lines. Without the file lines are lost until it can be opened anew.
 */
export function openAccessLog(path: string, onProblem: (message: string) => void) {
  let fd = opened() ?? openSync('/dev/null', 'w')
  /** It could not be opened anew, as for want of files, and has to be. */
  let overdue = false
  // Bytes, because a string that grows line by line keeps the pieces of all its lines alive.
  let filling: Buffer = lineBuffer()
  let spare: Buffer | undefined = lineBuffer()
  let used = start
  let lost = 0
  /** A write failed, and what it or that of another worker has left may be half a line. */
  let failed = false
  /** Where a write is under way. */
  let writing: number | undefined
  /** How long the disk has let us wait since then, in milliseconds. What kept this process busy does not count. */
  let waited = 0
  const lineOf = accessLines()
  let second = 0
  let time = ''
  const waiting: Finished[] = []
  let waitingBytes = 0

  function opened(): number | undefined {
    try {
      return openLog(path)
    } catch (error) {
      onProblem(`the access log was not opened: ${messageOf(error)}`)
      return undefined
    }
  }

  /** Makes the lines of what waits. */
  function settle(): void {
    const sinceEpoch = Date.now() - performance.now()
    for (const finished of waiting) {
      const started = sinceEpoch + finished.startedAt
      const current = Math.floor(started / 1000)
      if (current !== second) {
        second = current
        time = timestamp(new Date(started))
      }
      const text = lineOf(finished, time)
      if (used + text.length > bufferBytes) makeRoom()
      // The disk may not take what is there.
      if (used + text.length > bufferBytes) lost += 1
      else used += writeLatin1(filling, text, used)
    }
    waiting.length = 0
    waitingBytes = 0
  }

  /** For lines that come faster than they are written: each may be as long as four heads. */
  function makeRoom(): void {
    flush()
    if (used > start && waited < patientMs) writeFilled()
  }

  function flush(): void {
    const next = spare
    if (next === undefined || used === start) return
    const [target, full, length] = [fd, filling, used]
    spare = undefined
    writing = target
    waited = 0
    filling = next
    used = start
    writeAll(target, full, firstToWrite(target), length, (error, written) => {
      spare = full
      writing = undefined
      ended(error, full.subarray(Math.max(written, start), length))
      if (target !== fd) closeSync(target)
      if (used > flushBytes) flush()
    })
  }

  function writeNow(): void {
    settle()
    writeFilled()
  }

  function writeFilled(): void {
    if (used === start) return
    let written = firstToWrite(fd)
    let problem: unknown = null
    const began = performance.now()
    try {
      while (written < used) written += writeSync(fd, filling, written, used - written)
    } catch (error) {
      problem = error
    }
    waited = Math.max(waited, performance.now() - began)
    ended(problem, filling.subarray(Math.max(written, start), used))
    used = start
  }

  /** The newline in front is written only where it is needed. */
  function firstToWrite(target: number): number {
    return failed && endsInLine(target) ? 0 : start
  }

  function ended(error: unknown, unwritten: Buffer): void {
    if (error !== null) {
      lost += linesIn(unwritten)
      onProblem(`the access log was not written: ${messageOf(error)}`)
    } else tellLost()
    failed = error !== null
  }

  function tellLost(): void {
    if (lost > 0) onProblem(`${lost} lines of the access log were lost`)
    lost = 0
  }

  /** After a rotation: what waits goes to the old file, what follows to the new one. */
  function reopen(): void {
    const before = fd
    const next = opened()
    overdue = next === undefined
    if (next === undefined) return
    writeNow()
    fd = next
    // A write that is under way closes its file itself.
    if (before !== writing) closeSync(before)
    tellLost()
  }

  let timer: NodeJS.Timeout | undefined
  function flushSoon(): void {
    timer = setTimeout(() => {
      timer = undefined
      // A write that has ended would have told so since the last time.
      waited += flushMs
      if (overdue) reopen()
      settle()
      flush()
      // The write before is still under way.
      if (used > start) flushSoon()
    }, flushMs).unref()
  }

  return {
    line(finished: Finished): void {
      if (timer === undefined) flushSoon()
      const { target, referer, userAgent } = finished.asked
      waitingBytes += target.length + referer.length + userAgent.length
      if (waiting.push(finished) < together && waitingBytes < togetherBytes) return
      settle()
      if (used > flushBytes) flush()
    },
    reopen,
    close(): void {
      clearTimeout(timer)
      writeNow()
      tellLost()
    },
  }
}

function writeAll(
  fd: number,
  bytes: Buffer,
  from: number,
  end: number,
  done: (error: Error | null, written: number) => void,
): void {
  write(fd, bytes, from, end - from, null, (error, written) => {
    if (error !== null) done(error, from)
    else if (from + written >= end) done(null, end)
    else writeAll(fd, bytes, from + written, end, done)
  })
}

function lineBuffer(): Buffer {
  const made = Buffer.allocUnsafeSlow(bufferBytes)
  made[0] = newline
  return made
}

function linesIn(bytes: Buffer): number {
  return bytes.reduce((lines, byte) => (byte === newline ? lines + 1 : lines), 0)
}

/** Whether a file ends in the middle of a line, as a write leaves it for which the disk had room in part. */
function endsInLine(fd: number): boolean {
  try {
    const about = fstatSync(fd)
    if (!about.isFile() || about.size === 0) return false
    // The log is open for writing only; by its path it could be another file already.
    const reading = openSync(`/proc/self/fd/${fd}`, 'r')
    try {
      const last = Buffer.alloc(1)
      readSync(reading, last, 0, 1, about.size - 1)
      return last[0] !== newline
    } finally {
      closeSync(reading)
    }
  } catch {
    // An empty line does less harm than two lines in one.
    return true
  }
}
