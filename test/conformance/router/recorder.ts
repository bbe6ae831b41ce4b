import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'

/** A complete request as it arrived at the backend. */
export type Recorded = {
  method: string
  target: string
  /** [name, value] in order, as they were spelt. */
  fields: [string, string][]
  body: string
}

export type Recording = {
  messages: Recorded[]
  /** What a strict reader could not accept, on any connection. */
  errors: string[]
}

/**
 * A backend that reads RFC 9112 by the letter, written apart from the router's own parser, and records what it
 * gets. Each complete request is answered with its target.
 */
export async function startRecorder() {
  let recording: Recording = { messages: [], errors: [] }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let text = ''
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (;;) {
        const read = readMessage(text)
        if (read === undefined) return
        if (typeof read === 'string') {
          recording.errors.push(`${read}: ${JSON.stringify(text.slice(0, 200))}`)
          socket.destroy()
          return
        }
        text = text.slice(read.length)
        recording.messages.push(read.message)
        const body = `${read.message.target}\n`
        const shown = read.message.method === 'HEAD' ? '' : body
        socket.write(
          `HTTP/1.1 200 OK\r\nX-Body: ${Buffer.byteLength(read.message.body)}\r\nContent-Length: ${body.length}\r\n\r\n${shown}`,
        )
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What came since the last call. */
    take(): Recording {
      const taken = recording
      recording = { messages: [], errors: [] }
      return taken
    },
    close(): void {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

export type Recorder = Awaited<ReturnType<typeof startRecorder>>

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** undefined: incomplete; a string: what is wrong. */
function readMessage(text: string): { message: Recorded; length: number } | string | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  const head = headEnd === -1 ? text : text.slice(0, headEnd)
  for (const line of head.split('\r\n'))
    if (/[\r\n\0]/.test(line.replace(/\r$/, ''))) return 'a bare CR, LF or NUL'
  if (headEnd === -1) return undefined
  const [requestLine = '', ...lines] = head.split('\r\n')
  const request = /^([!#$%&'*+\-.^_`|~0-9A-Z]+) (\/[!-~]*|\*) HTTP\/1\.1$/.exec(requestLine)
  if (request === null) return `the request line ${requestLine}`
  const fields: [string, string][] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    if (colon < 1 || !token.test(name)) return `the field ${line}`
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return `the value of ${line}`
    if (/^(?:host|content-length|transfer-encoding)$/i.test(name) && line !== `${name}: ${value}`)
      return `the white space of ${line}`
    fields.push([name, value])
  }
  const all = (wanted: string): string[] =>
    fields.filter(([name]) => name.toLowerCase().replace(/_/g, '-') === wanted).map(([, value]) => value)
  const hosts = all('host')
  if (hosts.length !== 1) return `${hosts.length} Host fields`
  const lengths = all('content-length')
  const codings = all('transfer-encoding')
  if (lengths.length + codings.length > 1) return 'more than one framing field'
  if (codings.length === 1 && codings[0] !== 'chunked') return `the coding ${codings[0]}`
  if (lengths.length === 1 && !/^(0|[1-9]\d*)$/.test(lengths[0]!)) return `the length ${lengths[0]}`
  const rest = text.slice(headEnd + 4)
  const message = { method: request[1]!, target: request[2]!, fields }
  if (codings.length === 1) {
    const body = readChunks(rest)
    if (body === undefined || typeof body === 'string') return body
    return { message: { ...message, body: body.data }, length: headEnd + 4 + body.length }
  }
  const length = Number(lengths[0] ?? 0)
  if (rest.length < length) return undefined
  return { message: { ...message, body: rest.slice(0, length) }, length: headEnd + 4 + length }
}

function readChunks(text: string): { data: string; length: number } | string | undefined {
  let data = ''
  let at = 0
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return /^[0-9a-f]*\r?$/i.test(text.slice(at)) ? undefined : 'a chunk size'
    const size = text.slice(at, lineEnd)
    if (!/^[0-9a-f]{1,8}$/i.test(size)) return `the chunk size ${size}`
    const length = Number.parseInt(size, 16)
    at = lineEnd + 2
    if (length === 0) {
      // The router passes on no trailers.
      if (text.length < at + 2) return undefined
      return text.startsWith('\r\n', at) ? { data, length: at + 2 } : 'a trailer'
    }
    if (text.length < at + length + 2) return undefined
    if (!text.startsWith('\r\n', at + length)) return 'a chunk longer than its size'
    data += text.slice(at, at + length)
    at += length + 2
  }
}
