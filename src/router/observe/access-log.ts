import { closeSync, openSync, write, writeSync } from 'node:fs'
import { type Finished } from '../forward/plane.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const flushBytes = 64 * 1024
/** When the disk does not take lines, this many characters wait; later ones are lost, and counted. */
const maxWaiting = 4 * 1024 * 1024

const pad = (number: number): string => String(number).padStart(2, '0')

function timestamp(date: Date): string {
  return (
    `${pad(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}:` +
    `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())} +0000`
  )
}

/** Quotes and control characters as `\xHH`, as nginx does, so that nobody writes lines of their own. */
function escaped(text: string): string {
  if (text === '') return text
  return /["\\]|[^\x20-\x7e]/.test(text)
    ? text.replace(
        /["\\]|[^\x20-\x7e]/g,
        (char) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
      )
    : text
}

const seconds = (ms: number | undefined): string => (ms === undefined ? '0' : String(Math.round(ms) / 1000))

/**
 * Hipache's line: address, time of the request, request line, status, bytes, referer, user agent, the route's
 * identifier, total and backend seconds.
 */
export function accessLine(finished: Finished, time: string): string {
  const { address } = finished
  return (
    `${address.includes(':') ? address : `::ffff:${address}`} - - [${time}] "${escaped(finished.method)} ` +
    `${escaped(finished.target)} HTTP/1.${finished.minor}" ${finished.status} ${finished.bytes} ` +
    `"${escaped(finished.referer)}" "${escaped(finished.userAgent)}" ` +
    `"${escaped(finished.route?.identifier ?? '')}" ${seconds(finished.totalMs)} ${seconds(finished.backendMs)}\n`
  )
}

export type AccessLog = ReturnType<typeof openAccessLog>

/**
 * Appends lines to a file, gathered so that a request costs no system call. Several workers may append to the
 * same file: each write is whole lines. Throws when the file cannot be opened.
 */
export function openAccessLog(path: string, onProblem: (message: string) => void) {
  let fd = openSync(path, 'a', 0o644)
  let waiting = ''
  let writing = false
  let lost = 0
  let second = 0
  let time = ''

  function flush(): void {
    if (writing || waiting === '') return
    const text = waiting
    waiting = ''
    writing = true
    const target = fd
    write(target, text, null, 'latin1', (error) => {
      writing = false
      if (error !== null) onProblem(`the access log was not written: ${error.message}`)
      if (target !== fd) closeSync(target)
      if (waiting.length > flushBytes) flush()
    })
  }

  const timer = setInterval(flush, 200)
  timer.unref()
  return {
    line(finished: Finished): void {
      const now = Date.now() - finished.totalMs
      const current = Math.floor(now / 1000)
      if (current !== second) {
        second = current
        time = timestamp(new Date(now))
      }
      if (waiting.length > maxWaiting) {
        lost += 1
        return
      }
      waiting += accessLine(finished, time)
      if (waiting.length > flushBytes) flush()
    },
    /** After a rotation: what waits goes to the old file, what follows to the new one. */
    reopen(): void {
      const before = fd
      const next = openSync(path, 'a', 0o644)
      if (waiting !== '') {
        writeSync(before, waiting, null, 'latin1')
        waiting = ''
      }
      fd = next
      if (!writing) closeSync(before)
      if (lost > 0) onProblem(`${lost} lines of the access log were lost`)
      lost = 0
    },
    close(): void {
      clearInterval(timer)
      if (waiting !== '') writeSync(fd, waiting, null, 'latin1')
      waiting = ''
    },
  }
}
