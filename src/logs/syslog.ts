import { type LogLine } from './line.ts'

/** Facility local0 (RFC 5424 section 6.2.1), with severity info, or error for what was written to stderr. */
const priority = { stdout: 16 * 8 + 6, stderr: 16 * 8 + 3 } as const

/**
 * One line as a syslog message (RFC 5424 section 6) with its length in front (octet counting, RFC 6587 section 3.4.1,
 * which RFC 5425 demands over TLS). The host is the app, PROCID the process.
 */
export function syslogFrame(app: string, { time, source, process, stream, text }: LogLine): string {
  const stamp = `${time.slice(0, 26)}Z`
  const message = `<${priority[stream]}>1 ${stamp} ${app} ${source} ${process} - - ${text}`
  return `${Buffer.byteLength(message)} ${message}`
}
