import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger } from 'pino'
import { messageOf } from '../errors/paas-error.ts'
import { type AppId } from '../model/names.ts'
import { type LogBook } from './book.ts'
import { type LogLine, logTime, paasLine } from './line.ts'
import { lookEveryMs, openTail } from './tail.ts'

/** More than this between two looks is skipped: a busy site must not keep the controller busy too. */
const mostBytes = 256 * 1024

/** A request as the access log has it; `identifier` is the route's, which for our apps is the app's name. */
export type Request = { identifier: string; time: Date; text: string }

const accessLine =
  /^(\S+) - - \[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) \+0000\] "([^"]*)" (\d{3}) (\d+) "[^"]*" "[^"]*" "([^"]*)" ([\d.]+) ([\d.]+)$/
const months = 'JanFebMarAprMayJunJulAugSepOctNovDec'

/** Reads one line of the access log (router/observe/access-log.ts); undefined for anything else. */
export function parseAccessLine(line: string): Request | undefined {
  const match = accessLine.exec(line)
  if (match === null) return undefined
  const [, address, day, month, year, h, m, s, request, status, bytes, identifier, total] = match as string[]
  const time = new Date(
    Date.UTC(Number(year), months.indexOf(month!) / 3, Number(day), Number(h), Number(m), Number(s)),
  )
  const ms = Math.round(Number(total) * 1000)
  const from = address!.replace('::ffff:', '')
  return {
    identifier: identifier!,
    time,
    text: `${request!} ${status!} ${bytes!} bytes ${ms} ms from ${from}`,
  }
}

/**
 * Copies what the router writes about requests to the logs of the apps that they are for, from now on, until the
 * signal aborts. A log that is rotated is followed into its new file.
 */
export async function followRouter(options: {
  path: string
  book: LogBook
  findApp: (name: string) => Promise<{ id: AppId } | undefined>
  log: Logger
  signal: AbortSignal
}): Promise<void> {
  const { path, book, findApp, log, signal } = options
  await using tail = await openTail(path, 'end', mostBytes)
  while (!signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined)
    try {
      const { lines, skipped } = await tail.look()
      await deliver(lines, skipped, { book, findApp })
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the access log could not be read')
    }
  }
}

async function deliver(
  texts: string[],
  skipped: number,
  { book, findApp }: { book: LogBook; findApp: (name: string) => Promise<{ id: AppId } | undefined> },
): Promise<void> {
  const requests = texts.flatMap((text) => parseAccessLine(text) ?? [])
  for (const [name, own] of Map.groupBy(requests, ({ identifier }) => identifier)) {
    const app = await findApp(name)
    if (app === undefined) continue
    const lines: LogLine[] = own.map(({ time, text }) => paasLine(time, 'router', text))
    if (skipped > 0) {
      const note = `some requests before this one are not shown: ${skipped} bytes of the access log`
      lines.unshift({ ...paasLine(own[0]!.time, 'router', note), time: logTime(own[0]!.time) })
    }
    await book.writeRouter(app.id, lines)
  }
}
