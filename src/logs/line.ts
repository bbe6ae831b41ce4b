/**
 * One line of an app's log. `source` says who speaks: the app's own process, or paas about it (build, release
 * tasks, deploys, the router).
 */
export type LogLine = {
  /** RFC 3339 in UTC with nine digits of a second, so that text order is time order. */
  time: string
  source: 'app' | 'paas'
  /** `web.1`, `run.1`, `cron.cleanup`; of paas: `build`, `release`, `deploy`, `router`. */
  process: string
  stream: 'stdout' | 'stderr'
  text: string
  /** Id of the container that printed it. */
  container?: string
}

/** A time of ours in the form of LogLine. */
export const logTime = (date: Date): string => date.toISOString().replace('Z', '000000Z')

/** An engine's time in the form of LogLine: engines leave trailing zeros out. */
export function paddedTime(time: string): string {
  const [seconds = '', fraction = ''] = time.replace(/Z$/, '').split('.')
  return `${seconds}.${fraction.slice(0, 9).padEnd(9, '0')}Z`
}

/** A line of paas itself about an app. */
export const paasLine = (time: Date, process: string, text: string): LogLine => ({
  time: logTime(time),
  source: 'paas',
  process,
  stream: 'stdout',
  text,
})

/** One line of a segment file: JSON, so that text may hold anything, and its newline. */
export function encodeLine({ time, source, process, stream, text, container }: LogLine): string {
  const fields = [time, source === 'app' ? 0 : 1, process, stream === 'stdout' ? 0 : 1, text]
  return `${JSON.stringify(container === undefined ? fields : [...fields, container])}\n`
}

/** Undefined for what is no line of ours: a disk may have lost what was written last. */
export function decodeLine(json: string): LogLine | undefined {
  let fields: unknown
  try {
    fields = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!Array.isArray(fields)) return undefined
  const [time, source, process, stream, text, container] = fields as unknown[]
  if (typeof time !== 'string' || typeof process !== 'string' || typeof text !== 'string') return undefined
  return {
    time,
    source: source === 0 ? 'app' : 'paas',
    process,
    stream: stream === 0 ? 'stdout' : 'stderr',
    text,
    ...(typeof container === 'string' && { container }),
  }
}

/** Whether a line is of a process type (`web`), a process (`web.1`), or anything where nothing is named. */
export const isOf = (line: Pick<LogLine, 'process'>, wanted: string | undefined): boolean =>
  wanted === undefined || line.process === wanted || line.process.startsWith(`${wanted}.`)
