import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { defaultTimeouts } from '../../../src/router/settings.ts'
import { type Mode, modes, startPlane } from './lane.ts'

/** A router in front of one backend, which is a function of each of its connections. */
async function routerTo(backend: (socket: Socket) => void, mode: Mode, settings: object) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    backend(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const plane = await startPlane({ routes: { 'good.test': [url] }, settings, mode })
  return {
    port: plane.port,
    plane: plane.plane,
    drop: () => plane.close(),
    [Symbol.dispose]() {
      plane.close()
      server.close()
    },
  }
}

type Seen = { text: string; how: 'ended' | 'reset' }

/** Everything that comes on a connection, until it is over. */
function all(socket: Socket): Promise<Seen> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('end', () => resolve({ text, how: 'ended' }))
    socket.on('error', () => resolve({ text, how: 'reset' }))
  })
}

const dial = (port: number): Socket => connect({ port, host: '127.0.0.1', noDelay: true })
const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms))
const large = 'x'.repeat(16 * 1024 * 1024)

describe.each(modes)('connections, with %s', (_name, mode) => {
  const through = (backend: (socket: Socket) => void, settings = {}): ReturnType<typeof routerTo> =>
    routerTo(backend, mode, settings)

  test.each([
    ['closes', 'Connection: close\r\n'],
    ['reads on', ''],
  ])(
    'a backend that answers early and %s: the answer arrives, and says that it is the last',
    async (_, field) => {
      using router = await through((socket) => {
        socket.once('data', () => {
          const answer = `HTTP/1.1 413 Content Too Large\r\n${field}Content-Length: 4\r\n\r\nmuch`
          if (field === '') socket.write(answer)
          else socket.end(answer, () => socket.destroy())
        })
      })
      for (let i = 0; i < 5; i += 1) {
        const socket = dial(router.port)
        const seen = all(socket)
        socket.write(`POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: ${large.length}\r\n\r\n${large}`)
        const { text } = await seen
        expect(text).toMatch(/^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n[^]*much$/)
        socket.destroy()
      }
    },
  )

  test('Expect: 100-continue that is refused: the last answer, as the body may come or not', async () => {
    using router = await through((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno'))
    })
    const socket = dial(router.port)
    const seen = all(socket)
    socket.write('PUT / HTTP/1.1\r\nHost: good.test\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n')
    const { text, how } = await seen
    expect(text).toMatch(/^HTTP\/1\.1 401 [^]*\r\nConnection: close\r\n[^]*no$/)
    expect(how).toBe('ended')
    socket.destroy()
  })

  test.each(['Negotiate YII=', 'ntlm TlRM'])(
    'a connection that a backend has authenticated (%s) is nobody else’s',
    async (credentials) => {
      using router = await through((socket) => {
        let user = 'nobody'
        socket.on('data', (chunk) => {
          user = /^authorization: (.*)\r$/m.exec(chunk.toString('latin1'))?.[1] ?? user
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${user.length}\r\n\r\n${user}`)
        })
      })
      for (const [field, user] of [
        [`authorization: ${credentials}\r\n`, credentials],
        ['', 'nobody'],
      ] as const) {
        const socket = dial(router.port)
        const seen = all(socket)
        socket.write(`GET / HTTP/1.1\r\nHost: good.test\r\n${field}Connection: close\r\n\r\n`)
        const { text } = await seen
        expect(text.endsWith(`\r\n\r\n${user}`)).toBe(true)
      }
    },
  )

  test('a client that is gone before it is accepted, and has no address any more, asks nothing', async () => {
    const seen: string[] = []
    using router = await through((socket) => {
      socket.on('data', (chunk) => {
        seen.push(chunk.toString('latin1'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    const request = 'POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 0\r\n\r\n'
    // The router cannot accept while this waits.
    spawnSync(process.execPath, [
      '-e',
      `const socket = require('node:net').connect(${router.port}, '127.0.0.1', () =>
        socket.write(${JSON.stringify(request)}, () => socket.resetAndDestroy()))`,
    ])
    const socket = dial(router.port)
    socket.write(request)
    await once(socket, 'data')
    socket.destroy()
    await pause(50)
    expect(seen.map((text) => /^X-Forwarded-For: (.*)\r$/m.exec(text)?.[1])).toEqual(['127.0.0.1'])
  })

  test('a client that has half-closed gets an answer that takes its time, byte after byte', async () => {
    using router = await through((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n')
        let left = 12
        const timer = setInterval(() => {
          socket.write('x')
          if ((left -= 1) === 0) clearInterval(timer)
        }, 200)
      })
    })
    const socket = dial(router.port)
    const seen = all(socket)
    socket.end('GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
    expect((await seen).text).toMatch(/x{12}$/)
  })

  test('a backend that closes after each answer without saying so loses few POSTs, not every other one', async () => {
    using router = await through((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    })
    const socket = dial(router.port)
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    for (let i = 1; i <= 100; i += 1) {
      socket.write('POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 3\r\n\r\nabc')
      while (text.split('HTTP/1.1 ').length <= i) await once(socket, 'data')
    }
    expect(text.split('HTTP/1.1 502').length - 1).toBeLessThanOrEqual(1)
    socket.destroy()
  })

  test('a router that goes does not let an unfinished answer look like a whole one', async () => {
    using router = await through((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nhalf'))
    })
    const socket = dial(router.port)
    const seen = all(socket)
    socket.write('GET / HTTP/1.0\r\nHost: good.test\r\n\r\n')
    await once(socket, 'data')
    await pause(50)
    router.drop()
    expect((await seen).how).toBe('reset')
  })

  test('a router that is told to go right after an answer sends it', async () => {
    using router = await through((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    })
    const { plane } = router
    const { onFinished } = plane
    Object.assign(plane, {
      onFinished(...about: Parameters<typeof onFinished>) {
        onFinished(...about)
        process.nextTick(() => {
          for (const client of plane.clients) client.drain()
        })
      },
    })
    const socket = dial(router.port)
    const seen = all(socket)
    socket.write('GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
    const { text, how } = await seen
    expect(text).toMatch(/\r\n\r\nok$/)
    expect(how).toBe('ended')
    socket.destroy()
  })

  test('426 says what to upgrade to', async () => {
    using router = await through((socket) => {
      socket.once('data', () => {
        socket.write(
          'HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\nContent-Length: 0\r\n\r\n',
        )
      })
    })
    const socket = dial(router.port)
    socket.write('GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 426 [^]*\r\nConnection: Upgrade\r\nUpgrade: foo\/2\r\n/)
    socket.destroy()
  })

  test('heartbeats may be many, as long as they are no flood', async () => {
    const heard = Promise.withResolvers<unknown>()
    using router = await through((socket) => {
      const beat = (): void => void socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(12))
      socket.once('data', beat)
      void heard.promise.then(() => {
        setTimeout(beat, 1100)
        setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 1200)
      })
    })
    const socket = dial(router.port)
    const seen = all(socket)
    socket.once('data', heard.resolve)
    socket.write('GET / HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n')
    const { text } = await seen
    expect(text.split('HTTP/1.1 102 ')).toHaveLength(25)
    expect(text).toMatch(/HTTP\/1\.1 200 OK\r\n[^]*ok$/)
  })

  test.each([
    ['GET', 'Upgrade: websocket, foo/2\r\n', 'Foo/2', true],
    ['GET', 'Upgrade: websocket\r\nContent-Length: 0\r\n', 'websocket', true],
    ['POST', 'Upgrade: tcp\r\n', 'tcp', true],
    ['POST', 'Upgrade: tcp\r\nContent-Length: 0\r\n', 'tcp', true],
    ['GET', 'Upgrade: websocket, h2c\r\n', 'h2c', false],
    ['GET', 'Upgrade: websocket, foo/2\r\n', 'websocket, foo/2', false],
    ['GET', 'Upgrade: h2c\r\n', '', false],
  ])('%s with %j and a 101 that says %s', async (method, fields, protocol, tunnel) => {
    let before = ''
    using router = await through((socket) => {
      socket.once('data', (head: Buffer) => {
        before = head.toString()
        socket.on('data', (chunk: Buffer) => socket.end(`echo ${chunk.toString()}`))
        const answer = `HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`
        // What the client has sent behind its head waits until now.
        setTimeout(() => socket.write(answer), 50)
      })
    })
    const socket = dial(router.port)
    const seen = all(socket)
    socket.write(
      `${method} / HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade, close\r\n${fields}\r\nbehind`,
    )
    const { text } = await seen
    expect(before).toMatch(/\r\n\r\n$/)
    if (tunnel) expect(text).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\necho behind$/)
    else expect(text).toMatch(/^HTTP\/1\.1 502 /)
  })

  test('a silent backend that a client awaits a 100 from is late, not the client', async () => {
    using router = await through((socket) => void socket.on('data', () => undefined), {
      timeouts: { ...defaultTimeouts, firstByte: 500 },
    })
    const socket = dial(router.port)
    const seen = all(socket)
    socket.write('PUT / HTTP/1.1\r\nHost: good.test\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n')
    expect((await seen).text).toMatch(/^HTTP\/1\.1 504 /)
    socket.destroy()
  })

  test('a client that was told to go on is late itself', async () => {
    using router = await through(
      (socket) => void socket.once('data', () => socket.write('HTTP/1.1 100 Continue\r\n\r\n')),
      { timeouts: { ...defaultTimeouts, firstByte: 200, idle: 1000 } },
    )
    const socket = dial(router.port)
    const seen = all(socket)
    socket.write('PUT / HTTP/1.1\r\nHost: good.test\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n')
    expect((await seen).text).toMatch(/^HTTP\/1\.1 100 [^]*HTTP\/1\.1 408 /)
    socket.destroy()
  })

  test('the time at a backend counts from the turn on, not from the place in the queue', async () => {
    let connections = 0
    using router = await through(
      (socket) => {
        connections += 1
        socket.once('data', () => {
          const answer = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'
          setTimeout(() => socket.end(answer), 300)
        })
      },
      { maxInFlight: 1 },
    )
    const starts: number[] = []
    const { onFinished } = router.plane
    Object.assign(router.plane, {
      onFinished(...about: Parameters<typeof onFinished>) {
        starts.push(about[0].backendStartedAt - about[0].startedAt)
        onFinished(...about)
      },
    })
    const sockets = [dial(router.port), dial(router.port)]
    const both = Promise.all(sockets.map(all))
    for (const socket of sockets)
      socket.write('GET / HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n')
    for (const { text } of await both) expect(text).toMatch(/ok$/)
    expect(connections).toBe(2)
    expect(starts[0]).toBe(0)
    expect(starts[1]).toBeGreaterThan(250)
  })

  test.runIf(mode.busy).each([
    ['an answer', 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\n\r\nstale'],
    ['its end', undefined],
  ])('what comes before a request is out is no answer to it: %s', async (_, stale) => {
    const asked: string[] = []
    let first: Socket | undefined
    using router = await through((socket) => {
      first ??= socket
      socket.on('data', (data) => {
        asked.push(data.toString('latin1').split(' ')[1]!)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh')
      })
    })
    const post = (target: string): string =>
      `POST ${target} HTTP/1.1\r\nHost: good.test\r\nContent-Length: 3\r\n\r\nabc`
    const socket = dial(router.port)
    socket.write(post('/one'))
    await once(socket, 'data')
    socket.write(post('/two'))
    if (stale === undefined) first?.end()
    else first?.write(stale)
    expect(String((await once(socket, 'data'))[0])).toMatch(/fresh$/)
    expect(asked).toEqual(['/one', '/two'])
    socket.destroy()
  })

  test.each([
    ['PUT', 'Expect: 100-continue\r\n', 'HTTP/1.1 200 OK', 2],
    ['PUT', 'Expect: 100-continue\r\n', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK', 1],
    ['PUT', '', 'HTTP/1.1 200 OK', 1],
    ['PUT', '', 'HTTP/1.1 204 No Content', 2],
  ])('%s with "%s", answered with %j: %i connections for two', async (method, field, answer, count) => {
    let connections = 0
    using router = await through((socket) => {
      connections += 1
      socket.on('data', () => socket.write(`${answer}\r\nContent-Length: 2\r\n\r\n`))
      // What a 204 cannot have comes late.
      socket.on('data', () => void setTimeout(() => socket.write('ok'), answer.includes('204') ? 100 : 0))
    })
    for (let i = 0; i < 2; i += 1) {
      const socket = dial(router.port)
      socket.write(`${method} / HTTP/1.1\r\nHost: good.test\r\n${field}Content-Length: 3\r\n\r\nabc`)
      await once(socket, 'data')
      await pause(50)
      socket.destroy()
    }
    expect(connections).toBe(count)
  })

  test('a backend that has answered before it had all is not asked again on that connection', async () => {
    let connections = 0
    using router = await through((socket) => {
      connections += 1
      socket.once('data', () => {
        socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\n')
        socket.once('data', () => socket.write('early'))
      })
    })
    for (let i = 1; i <= 3; i += 1) {
      const socket = dial(router.port)
      const seen = all(socket)
      socket.write('PUT / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 10\r\n\r\nabc')
      await once(socket, 'data')
      socket.write('defghij')
      expect((await seen).text).toMatch(/early$/)
      expect(connections).toBe(i)
    }
  })

  test.each([
    ['HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['\r\nHEAD / HTTP/1.1\r\nBad Field: x\r\n\r\n', 400],
    ['HEAD / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ])('a HEAD that is refused has no body: %j', async (request, status) => {
    using router = await through(() => undefined)
    const socket = dial(router.port)
    const seen = all(socket)
    socket.write(request)
    expect((await seen).text).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\r\n\r\n$`))
  })

  test('an answer of our own ends with the connection, whatever came behind the request', async () => {
    using router = await through((socket) => socket.destroy())
    for (const host of ['good.test', 'nobody.test']) {
      const socket = dial(router.port)
      const seen = all(socket)
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n${'x'.repeat(400_000)}`)
      const { text, how } = await seen
      expect(text).toMatch(/^HTTP\/1.1 (404|502) /)
      expect(how).toBe('ended')
      socket.destroy()
    }
  })

  test.each([
    [
      'a 101 that Connection says nothing about',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
      '',
    ],
    [
      'a head of over 64 KiB in two pieces',
      `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: ${'a'.repeat(60_000)}`,
      `${'a'.repeat(12_000)}\r\n\r\n`,
    ],
  ])('%s is 502', async (_, first, second) => {
    using router = await through((socket) => {
      socket.once('data', () => {
        socket.write(first)
        setTimeout(() => socket.write(second), 100)
      })
    })
    const socket = dial(router.port)
    socket.write('GET / HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 502 /)
    socket.destroy()
  })

  test('a large body behind another request waits in the client while it waits for its turn', async () => {
    let first = true
    using router = await through(
      (socket) => {
        socket.on('data', () => {
          if (first) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 200)
          first = false
        })
      },
      { maxInFlight: 1, replayBytes: 16 * 1024 },
    )
    const pieces = 256
    const piece = Buffer.alloc(1024 * 1024)
    const socket = dial(router.port)
    socket.write(
      'GET / HTTP/1.1\r\nHost: good.test\r\n\r\n' +
        `POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: ${pieces * piece.length}\r\n\r\n${'x'.repeat(60_000)}`,
    )
    await pause(100)
    // The turn after the first request's is for somebody else, who is not answered.
    const other = dial(router.port)
    other.write('GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
    await once(socket, 'data')
    let taken = 0
    const send = (): void =>
      void socket.write(piece, (error) => {
        if (error != null) return
        taken += 1
        if (taken < pieces - 1) send()
      })
    send()
    await pause(1500)
    // What the kernel holds on the way.
    expect(taken).toBeLessThan(32)
    socket.destroy()
    other.destroy()
  })
})
