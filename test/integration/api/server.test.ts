import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Api, type Handlers, startApi } from '../../../src/api/server.ts'
import { encodeFrame, frame, frameDecoder, type FrameType, type Request } from '../../../src/api/wire.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { type Key } from '../../../src/model/key.ts'

const terminal = { tty: { stdin: false, stdout: false, stderr: false }, columns: 80, rows: 24, color: false }
const alice: Key = {
  id: 'k000000000000001',
  name: 'alice',
  fingerprint: 'SHA256:x',
  publicKey: 'ssh-ed25519 x',
  role: 'deploy',
  createdAt: '2026-01-01T00:00:00Z',
}

let folder: string
let api: Api
let rootSocket: string
let sshSocket: string
let keys: Map<string, Key>
let onCommand: Handlers['command']
const clients = new Set<Socket>()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-api-'))
  rootSocket = join(folder, 'root.sock')
  sshSocket = join(folder, 'ssh.sock')
  keys = new Map([[alice.id, alice]])
  onCommand = () => Promise.resolve(0)
  api = await startApi(options())
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  await api.close(100)
  await rm(folder, { recursive: true, force: true })
})

function options(): Parameters<typeof startApi>[0] {
  return {
    rootSocket,
    sshSocket,
    findKey: (id) => Promise.resolve(keys.get(id)),
    log: pino({}, pino.destination({ dest: join(folder, 'log'), sync: true })),
    handlers: {
      command: (request, session) => onCommand(request, session),
      git: () => Promise.resolve(0),
      push: () => Promise.resolve(0),
    },
  }
}

type Client = {
  socket: Socket
  say: (type: FrameType, value: unknown) => void
  /** Everything the server sent so far. */
  got: { stdout: string; stderr: string; exits: number[]; granted: number; bytes: number }
  closed: Promise<unknown>
}

function client(path: string, request?: Partial<Extract<Request, { kind: 'command' }>>): Client {
  const socket = connect(path)
  clients.add(socket)
  const decoder = frameDecoder()
  const got = { stdout: '', stderr: '', exits: [] as number[], granted: 0, bytes: 0 }
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    got.bytes += chunk.length
    for (const { type, payload } of decoder.push(chunk)) {
      const text = payload.toString()
      if (type === frame.stdout) got.stdout += text
      if (type === frame.stderr) got.stderr += text
      if (type === frame.exit) got.exits.push((JSON.parse(text) as { code: number }).code)
      if (type === frame.wantStdin) got.granted += (JSON.parse(text) as { bytes: number }).bytes
    }
  })
  const say = (type: FrameType, value: unknown): void =>
    void socket.write(encodeFrame(type, JSON.stringify(value)))
  if (request !== undefined) say(frame.request, { kind: 'command', argv: ['x'], terminal, ...request })
  return { socket, say, got, closed: once(socket, 'close') }
}

describe('a request', () => {
  it('gets its output in order and exactly one exit frame', async () => {
    onCommand = async ({ argv }, { io, identity }) => {
      await io.stdout(`${argv.join('|')} of ${identity.via}\n`)
      await io.stderr('progress\n')
      return 3
    }
    const { got, closed } = client(rootSocket, { argv: ['a', 'ü\n"'] })
    await closed
    expect(got).toMatchObject({ stdout: 'a|ü\n" of root\n', stderr: 'progress\n', exits: [3] })
  })

  it('shows an error with its hint and exit code, and as JSON where that is asked for', async () => {
    onCommand = () =>
      Promise.reject(new PaasError('APP_NOT_FOUND', 'There is no app.', { hint: 'paas apps:list' }))
    const plain = client(rootSocket, { argv: ['ps'] })
    await plain.closed
    expect(plain.got).toMatchObject({
      stdout: '',
      stderr: ' !     There is no app.\n       paas apps:list\n',
      exits: [3],
    })
    const json = client(rootSocket, { argv: ['ps', '--json'] })
    await json.closed
    expect(JSON.parse(json.got.stderr)).toEqual({
      error: { code: 'APP_NOT_FOUND', message: 'There is no app.', hint: 'paas apps:list' },
    })
  })

  it('that meets a defect names it by a reference that the log has', async () => {
    onCommand = () => Promise.reject(new TypeError('secret detail'))
    const { got, closed } = client(rootSocket, {})
    await closed
    expect(got.exits).toEqual([1])
    expect(got.stderr).not.toContain('secret detail')
    const reference = /\(([0-9a-f]{8})\)/.exec(got.stderr)?.[1]
    const log = await readFile(join(folder, 'log'), 'utf8')
    expect(log).toContain(`"reference":"${reference!}"`)
    expect(log).toContain('secret detail')
  })

  it.each([
    ['no request', (c: Client) => c.say(frame.signal, 'SIGINT')],
    ['a request that is none', (c: Client) => c.say(frame.request, { kind: 'other' })],
    ['no JSON', (c: Client) => void c.socket.write(encodeFrame(frame.request, '{'))],
    ['a giant frame', (c: Client) => void c.socket.write(Buffer.from([1, 0xff, 0xff, 0xff, 0xff]))],
    [
      'stdin nobody asked for',
      (c: Client) => {
        c.say(frame.request, { kind: 'command', argv: [], terminal })
        c.say(frame.stdin, 'x')
      },
    ],
    [
      'a frame of the server',
      (c: Client) => {
        c.say(frame.request, { kind: 'command', argv: [], terminal })
        c.say(frame.exit, { code: 0 })
      },
    ],
  ])('with %s is closed, and others are served', async (_what, send) => {
    onCommand = async (_request, { signal }) => {
      await once(signal, 'abort')
      return 0
    }
    const broken = client(rootSocket)
    send(broken)
    await broken.closed
    expect(broken.got.exits).toEqual([])
    onCommand = () => Promise.resolve(0)
    const next = client(rootSocket, {})
    await next.closed
    expect(next.got.exits).toEqual([0])
  })
})

describe('who is asking', () => {
  it('is the key that the forced command states, on the SSH socket only', async () => {
    onCommand = async (_request, { io, identity }) => {
      await io.stdout(identity.via === 'root' ? 'root' : identity.key.name)
      return 0
    }
    const viaSsh = client(sshSocket, { keyId: alice.id })
    const viaRoot = client(rootSocket, { keyId: alice.id })
    await Promise.all([viaSsh.closed, viaRoot.closed])
    expect(viaSsh.got.stdout).toBe('alice')
    expect(viaRoot.got.stdout).toBe('root')
  })

  it.each([
    ['unknown', 'k999999999999999'],
    ['missing', undefined],
  ])('is refused with an %s key', async (_what, keyId) => {
    const { got, closed } = client(sshSocket, keyId === undefined ? {} : { keyId })
    await closed
    expect(got).toMatchObject({ exits: [4], stdout: '' })
    expect(got.stderr).toContain('not known here any more')
  })

  it('loses what it has open when its key is removed', async () => {
    const [begun, aborted] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    onCommand = async ({ argv }, { signal }) => {
      if (argv[0] === 'remove') keys.delete(alice.id)
      else begun.resolve(undefined)
      if (argv[0] !== 'remove') await once(signal, 'abort').then(() => aborted.resolve(undefined))
      return 0
    }
    const open = client(sshSocket, { argv: ['logs'], keyId: alice.id })
    await begun.promise
    await client(rootSocket, { argv: ['remove'] }).closed
    await open.closed
    await aborted.promise
    expect(open.got.exits).toEqual([4])
    expect(open.got.stderr).toContain('removed')
  })

  it('decides the sockets’ modes', async () => {
    expect((await stat(rootSocket)).mode & 0o777).toBe(0o600)
    expect((await stat(sshSocket)).mode & 0o777).toBe(0o660)
  })
})

describe('stdin', () => {
  it('is asked for only when it is read, and never by more than a window ahead', async () => {
    const read = Promise.withResolvers<undefined>()
    let total = 0
    onCommand = async (_request, { io }) => {
      await read.promise
      for await (const chunk of io.stdin()) {
        total += (chunk as Buffer).length
        await sleep(1)
      }
      return 0
    }
    const { socket, got, closed } = client(rootSocket, {})
    await sleep(100)
    expect(got.granted).toBe(0)
    read.resolve(undefined)
    const size = 5 * 1024 * 1024
    let sent = 0
    let most = 0
    while (sent < size) {
      await vi.waitFor(() => expect(got.granted).toBeGreaterThan(sent), { interval: 1 })
      const part = Math.min(got.granted - sent, size - sent, 64 * 1024)
      socket.write(encodeFrame(frame.stdin, Buffer.alloc(part)))
      sent += part
      most = Math.max(most, got.granted - total)
    }
    socket.write(encodeFrame(frame.stdinEnd, ''))
    await closed
    expect(total).toBe(size)
    expect(got.exits).toEqual([0])
    // The window, and what the Readable may hold besides.
    expect(most).toBeLessThanOrEqual(3 * 1024 * 1024)
  })

  it('fails for its reader when the caller goes away in the middle', async () => {
    const failed = Promise.withResolvers<unknown>()
    onCommand = async (_request, { io }) => {
      try {
        io.stdin().resume()
        await once(io.stdin(), 'end')
        failed.resolve('ended')
      } catch (error) {
        failed.resolve((error as Error).name)
      }
      return 0
    }
    const { socket, got } = client(rootSocket, {})
    await vi.waitFor(() => expect(got.granted).toBeGreaterThan(0))
    socket.write(encodeFrame(frame.stdin, 'half'))
    await sleep(20)
    socket.destroy()
    expect(await failed.promise).toBe('AbortError')
  })
})

describe('output', () => {
  it('waits for a caller that does not read, and goes on when it does', async () => {
    let written = 0
    const size = 64 * 1024 * 1024
    onCommand = async (_request, { io }) => {
      const part = Buffer.alloc(1024 * 1024, 'x')
      while (written < size) {
        await io.stdout(part)
        written += part.length
      }
      return 0
    }
    const { socket, got, closed } = client(rootSocket, {})
    socket.pause()
    await sleep(300)
    const held = written
    expect(held).toBeLessThan(4 * 1024 * 1024)
    socket.resume()
    await closed
    expect(got.exits).toEqual([0])
    expect(got.stdout).toHaveLength(size)
  })

  it('stays in order when nobody waits for it, and the exit frame comes last', async () => {
    onCommand = (_request, { io }) => {
      for (let i = 0; i < 50; i++) void io.stdout(String(i % 10).repeat(i % 7 === 0 ? 600_000 : 10))
      return Promise.resolve(9)
    }
    const { got, closed } = client(rootSocket, {})
    await closed
    const expected = Array.from({ length: 50 }, (_, i) =>
      String(i % 10).repeat(i % 7 === 0 ? 600_000 : 10),
    ).join('')
    expect(got.stdout === expected).toBe(true)
    expect(got.exits).toEqual([9])
  })

  it('that piles up for a caller who does not read ends the caller', async () => {
    let aborted = false
    onCommand = async (_request, { io, signal }) => {
      for (let i = 0; i < 100 && !signal.aborted; i++) {
        void io.stdout(Buffer.alloc(1024 * 1024))
        await sleep(1)
      }
      aborted = signal.aborted
      return 0
    }
    const { socket } = client(rootSocket, {})
    socket.pause()
    await vi.waitFor(() => expect(aborted).toBe(true), { timeout: 5000 })
  })

  it('is no error when the caller is gone', async () => {
    const done = Promise.withResolvers<string>()
    onCommand = async (_request, { io, signal }) => {
      await once(signal, 'abort')
      await io.stdout('x'.repeat(1024 * 1024))
      await io.stderr('y')
      done.resolve((signal.reason as Error).name)
      return 0
    }
    const { socket } = client(rootSocket, {})
    await sleep(50)
    socket.destroy()
    expect(await done.promise).toBe('AbortError')
  })
})

describe('signals', () => {
  it('cancel a command, which then ends with 130', async () => {
    onCommand = async (_request, { signal }) => {
      await once(signal, 'abort')
      signal.throwIfAborted()
      return 0
    }
    const { say, got, closed } = client(rootSocket, {})
    say(frame.signal, 'SIGINT')
    await closed
    expect(got).toMatchObject({ exits: [130], stderr: ' !     Cancelled.\n' })
  })

  it('and window changes go to a command that takes them', async () => {
    const seen: unknown[] = []
    onCommand = async (_request, { io, signal }) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      io.onResize((size) => seen.push(size))
      io.onSignal((name) => {
        seen.push(name, signal.aborted)
        resolve(7)
      })
      return promise
    }
    const { say, got, closed } = client(rootSocket, {})
    await sleep(50)
    say(frame.resize, { columns: 120, rows: 40 })
    say(frame.signal, 'SIGINT')
    await closed
    expect(seen).toEqual([{ columns: 120, rows: 40 }, 'SIGINT', false])
    expect(got.exits).toEqual([7])
  })
})

describe('the sockets', () => {
  it('are taken over from a dead controller, not from a live one', async () => {
    await expect(startApi(options())).rejects.toMatchObject({ code: 'ALREADY_RUNNING' })
    await api.close(0)
    const stale = createServer().listen(rootSocket)
    await once(stale, 'listening')
    // Leaves the file behind, as a killed process does.
    const dead = stale as unknown as { _handle: { close(): void }; close(): void }
    dead._handle.close()
    api = await startApi(options())
    const { got, closed } = client(rootSocket, {})
    await closed
    expect(got.exits).toEqual([0])
  })

  it('close with what runs cancelled', async () => {
    onCommand = async (_request, { signal }) => {
      await once(signal, 'abort')
      signal.throwIfAborted()
      return 0
    }
    const { got, closed, socket } = client(rootSocket, {})
    await vi.waitFor(() => expect(socket.readyState).toBe('open'))
    await sleep(50)
    await api.close(2000)
    await closed
    expect(got.exits).toEqual([130])
  })
})
