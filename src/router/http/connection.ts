import { isBodyless } from './framing.ts'
import { type RequestHead } from './request-head.ts'

/** Sets what Connection and Upgrade say, and takes away what they nominate. Returns why to refuse, or ''. */
export function readConnection(
  head: RequestHead,
  connection: string,
  upgrade: string,
  fieldsStart: number,
): string {
  head.keepAlive = head.minor === 1
  head.upgrade = ''
  if (connection === '' || connection === 'keep-alive') {
    if (connection !== '') head.keepAlive = true
    return ''
  }
  let close = false
  let upgrades = false
  const nominated: string[] = []
  for (const token of membersOf(connection.toLowerCase())) {
    if (token === 'close') close = true
    else if (token === 'keep-alive') head.keepAlive = true
    else if (token === 'upgrade') upgrades = true
    else nominated.push(token)
  }
  if (close) head.keepAlive = false
  if (nominated.length > 0) {
    if (
      nominated.some((name) => name === 'host' || name === 'content-length' || name === 'transfer-encoding')
    ) {
      return 'Connection names a field that frames the message'
    }
    head.lines = head.lines.slice(0, fieldsStart) + withoutFields(head.lines.slice(fieldsStart), nominated)
    dropNominated(head, nominated)
  }
  if (upgrades && head.minor === 1 && isBodyless(head)) head.upgrade = upgradeOf(upgrade)
  return ''
}

/** What is passed on of Upgrade; '' where nothing is left or a member is malformed. */
function upgradeOf(value: string): string {
  const members = membersOf(value)
  if (!members.every((member) => /^[\w.!#$%&'*+^`|~/-]+$/.test(member))) return ''
  // h2c is an offer that may be ignored, and to pass it on would let a client leave our parser behind.
  return members.filter((member) => member.toLowerCase() !== 'h2c').join(', ')
}

/** Whether `protocol` is one of those that the request offered to change to. */
export function isOffered(upgrade: string, protocol: string): boolean {
  return membersOf(upgrade.toLowerCase()).includes(protocol.toLowerCase())
}

/** RFC 9110, 5.6.1: empty members of a list are nothing. */
export function membersOf(list: string): string[] {
  // No pattern does it, as one that looks for the end tries each space of many in the middle.
  return list
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

/** Field lines without those of the given lower-case names. */
export function withoutFields(lines: string, lowerNames: readonly string[]): string {
  const names = new Set(lowerNames)
  return lines.replace(/[^\r]*\r\n/g, (line) =>
    names.has(line.slice(0, line.indexOf(':')).toLowerCase()) ? '' : line,
  )
}

/** What Connection nominates is not for us either: a proxy's X-Forwarded-For is not to be believed then. */
function dropNominated(head: RequestHead, nominated: string[]): void {
  for (const name of nominated) {
    if (name === 'x-forwarded-for') head.forwardedFor = ''
    else if (name === 'x-forwarded-proto') head.forwardedProto = ''
    else if (name === 'x-forwarded-host') head.forwardedHost = ''
    else if (name === 'x-forwarded-port') head.forwardedPort = ''
    else if (name === 'forwarded') head.forwarded = ''
    else if (name === 'x-real-ip') head.realIp = ''
    else if (name === 'x-request-id') head.requestId = ''
    else if (name.startsWith('x-forwarded')) head.forwardedOther = ''
    else if (name === 'expect') head.expectsContinue = false
    else if (name === 'cookie') head.cookie = ''
  }
}
