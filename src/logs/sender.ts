import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { PaasError } from '../errors/paas-error.ts'
import { type LogLine } from './line.ts'
import { syslogFrame } from './syslog.ts'

/** Sends lines to one place. Rejects when they did not get there; another sender is then made. */
export type Sender = {
  /** True where the other side has answered already; HTTP is silent until there is something to send. */
  connected: boolean
  send: (lines: LogLine[]) => Promise<void>
  close: () => void
}

export const drainProtocols = ['syslog:', 'syslog+tls:', 'http:', 'https:'] as const

const timeoutMs = 10_000

/** Checks a drain's URL. Throws INVALID_INPUT, without repeating a password. */
export function parseDrainUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const known = drainProtocols.some((protocol) => protocol === url?.protocol)
  const needsPort = url?.protocol.startsWith('syslog') === true && url.port === ''
  if (url !== undefined && known && url.hostname !== '' && !needsPort && isDecodable(url)) return url
  throw new PaasError('INVALID_INPUT', 'This is not the URL of a place that takes logs.', {
    hint: 'For example: syslog://logs.example.com:514, syslog+tls://logs.example.com:6514, https://logs.example.com/in',
  })
}

/** `%E9` alone is no text: it could be neither shown nor sent as a password. */
function isDecodable({ href }: URL): boolean {
  try {
    decodeURIComponent(href)
    return true
  } catch {
    return false
  }
}

/** A URL as it may be shown: without its password, or a name that stands in for one, or a query that may be one. */
export function shownUrl(text: string): string {
  const url = new URL(text)
  if (url.password !== '') url.password = '••••'
  else if (url.username !== '') url.username = '••••'
  if (url.search !== '') url.search = '?••••'
  return decodeURI(url.href)
}

/** Connects to a drain. */
export async function openSender(url: URL, app: string): Promise<Sender> {
  return url.protocol.startsWith('syslog') ? openSyslog(url, app) : httpSender(url, app)
}

async function openSyslog(url: URL, app: string): Promise<Sender> {
  const target = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) }
  const secure = url.protocol === 'syslog+tls:'
  const { promise: ready, resolve, reject } = Promise.withResolvers<undefined>()
  // An address is no name to ask for (RFC 6066, section 3); the certificate is compared with it all the same.
  const named = isIP(target.host) === 0 && { servername: target.host }
  const socket: Socket = secure ? connectTls({ ...target, ...named }) : connectTcp(target)
  const timer = setTimeout(() => reject(new Error('no connection in time')), timeoutMs)
  const { promise: gone, reject: lose } = Promise.withResolvers<never>()
  gone.catch(() => undefined)
  socket.setKeepAlive(true, 30_000)
  socket.once(secure ? 'secureConnect' : 'connect', () => resolve(undefined))
  socket.on('error', (error) => {
    reject(error)
    lose(error)
  })
  socket.on('close', () => lose(new Error('the connection was closed')))
  // A receiver has nothing to say; reading is how its end is noticed.
  socket.resume()
  try {
    await ready
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
  return {
    connected: true,
    async send(lines) {
      const written = new Promise<void>((done, failed) => {
        socket.write(lines.map((line) => syslogFrame(app, line)).join(''), (error) =>
          error == null ? done() : failed(error),
        )
      })
      await Promise.race([written, gone])
    },
    close: () => void socket.end(),
  }
}

/** Heroku's way of HTTP drains, which receivers know: the same frames in the body of a POST. */
function httpSender(url: URL, app: string): Sender {
  const post = url.protocol === 'https:' ? requestHttps : requestHttp
  return {
    connected: false,
    async send(lines) {
      const body = lines.map((line) => syslogFrame(app, line)).join('')
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const sent = post(
        url,
        {
          method: 'POST',
          timeout: timeoutMs,
          headers: {
            'content-type': 'application/logplex-1',
            'content-length': Buffer.byteLength(body),
            'logplex-msg-count': lines.length,
            'user-agent': 'paas-drain',
            ...(url.username !== '' && {
              authorization: `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`,
            }),
          },
        },
        (response) => {
          response.resume()
          response.once('end', () => resolve(response.statusCode ?? 0)).once('error', reject)
        },
      )
      sent.once('timeout', () => sent.destroy(new Error('no answer in time'))).once('error', reject)
      sent.end(body)
      const status = await promise
      if (status < 200 || status > 299) throw new Error(`the answer was ${status}`)
    },
    close: () => undefined,
  }
}
