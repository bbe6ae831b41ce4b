import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { acceptClient } from '../../../src/router/client/accept.ts'
import { readPushed, userBufferReader } from '../../../src/router/client/reading.ts'
import { createDataPlane } from '../../../src/router/data-plane.ts'
import { defaultSettings, type RouterSettings } from '../../../src/router/settings.ts'
import { TableRoute } from '../../../src/router/table/route-table.ts'
import { parseRedisUrl } from '../../../src/store/redis-target.ts'
import { type Recorder, type Recording, startRecorder } from './recorder.ts'

const redis = parseRedisUrl('redis:')
export const settings: RouterSettings = {
  ...defaultSettings,
  trustedProxies: [],
  listen: [],
  redis: { read: redis, write: redis, mayConfigure: false },
}

/** The ways in which bytes come and go. */
export type Mode = {
  fastPath: boolean
  /** So many requests in progress that what they have to say waits for the end of a turn of the event loop. */
  busy: boolean
}

export const modes: [string, Mode][] = [
  ['the fast path', { fastPath: true, busy: false }],
  ['public API', { fastPath: false, busy: false }],
  ['many requests in progress', { fastPath: true, busy: true }],
]

/** A data plane without Redis, on a port of its own. */
export async function startPlane(options: {
  routes: Record<string, string[]>
  settings?: Partial<RouterSettings>
  mode: Mode
  routesKnown?: boolean
}) {
  const marks = {
    markDead: async () => true,
    unmarkDead: async () => undefined,
    checkerLives: async () => false,
  }
  const data = createDataPlane(
    { ...settings, ...options.settings, fastPath: options.mode.fastPath },
    'key',
    marks,
    () => false,
    {
      finished: () => undefined,
      drained: () => undefined,
      routesKnown: () => options.routesKnown ?? true,
      staysDead: () => false,
      report: () => undefined,
    },
  )
  for (const [host, backends] of Object.entries(options.routes)) {
    data.table.set(new TableRoute(host, ['app', ...backends], undefined))
  }
  // More than are written as soon as they can be.
  if (options.mode.busy) for (let i = 0; i < 20; i += 1) data.plane.turn.enter()
  const reader = options.mode.fastPath ? userBufferReader(data.plane.buffers.shared) : readPushed
  if (reader === undefined) throw new Error('this Node has no fast path')
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    acceptClient(socket, data.plane, {
      proto: 'http',
      port: 80,
      proxyProtocol: options.settings?.proxyProtocol ?? false,
      reader,
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...data,
    port: (server.address() as AddressInfo).port,
    close(): void {
      server.close()
      void data.close()
    },
  }
}

/** What a client saw after it sent some bytes. */
export type Outcome = {
  /** Everything received. */
  text: string
  /** The router closed the connection, cleanly or with a reset. */
  closed: boolean
  recording: Recording
}

export type Lane = Awaited<ReturnType<typeof startLane>>

/** One router in front of one recording backend, for one conversation at a time. */
export async function startLane(mode: Mode) {
  const recorder: Recorder = await startRecorder()
  const plane = await startPlane({
    routes: { 'good.test': [recorder.url], '*.wild.test': [recorder.url] },
    mode,
  })
  let follow = 0

  return {
    plane,
    /**
     * Sends the pieces as packets of their own, half-closes, and waits until the router has closed; then asks a
     * question on a new connection, whose answer shows whether the backend connections are still in step.
     */
    async converse(pieces: string[]): Promise<Outcome> {
      recorder.take()
      const { text, closed } = await exchange(plane.port, pieces)
      const recording = recorder.take()
      follow += 1
      const target = `/follow-${follow}`
      const question = `GET ${target} HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n`
      const answer = await exchange(plane.port, [question])
      const after = recorder.take()
      recording.errors.push(...after.errors)
      if (!answer.text.endsWith(`\r\n\r\n${target}\n`)) {
        recording.errors.push(`the next client got ${JSON.stringify(answer.text)}`)
      }
      return { text, closed, recording }
    },
    close(): void {
      plane.close()
      recorder.close()
    },
  }
}

function exchange(port: number, pieces: string[]): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let text = ''
    const finish = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, closed })
    }
    const timer = setTimeout(() => finish(false), 15_000)
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', () => finish(true))
    socket.on('end', () => finish(true))
    socket.on('connect', () => void send())
    async function send(): Promise<void> {
      for (const [i, piece] of pieces.entries()) {
        if (socket.destroyed) return
        socket.write(piece, 'latin1')
        // A turn of the event loop for the router, so that it reads this much and no more.
        if (i < pieces.length - 1) for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate)
      }
      if (!socket.destroyed) socket.end()
    }
  })
}
