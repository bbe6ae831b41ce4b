import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Timeouts } from '../../../src/router/forward/plane.ts'
import { defaultTimeouts } from '../../../src/router/settings.ts'
import { TableRoute } from '../../../src/router/table/route-table.ts'
import { modes, startPlane } from '../../conformance/router/lane.ts'
import { startBackend } from './support/backend.ts'
import { ask, eventually } from './support/router.ts'

const options = { balance: 'least' as const, weights: [], sticky: true, maxInFlight: undefined }

describe.each(modes)('a request that waits for its turn, with %s', (_name, mode) => {
  /** The first of two backends hangs with a request, and has room for no other. */
  async function scene(
    settings: { maxInFlight: number; maxQueue?: number; retries?: number; timeouts?: Timeouts },
    sticky: boolean,
  ) {
    const hanging = await startBackend('hanging', () => true)
    const well = await startBackend('well')
    const plane = await startPlane({ routes: {}, settings, mode })
    plane.table.set(new TableRoute('a.test', ['app', hanging.url, well.url], sticky ? options : undefined))
    const other = (until: number): void => plane.table.setDead('a.test', { indexes: new Set([1]), until })
    other(Infinity)
    const first = connect({ port: plane.port, host: '127.0.0.1' })
    first.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await eventually(() => hanging.seen.length === 1)
    return {
      hanging,
      /** Marks the other one dead until then. */
      other,
      well,
      plane,
      token: plane.plane.stickyToken('a.test', hanging.url),
      backend: plane.backends.get(hanging.url)!,
      [Symbol.asyncDispose]: async () => {
        first.resetAndDestroy()
        await eventually(() => {
          for (const { active, inFlight } of plane.backends.values())
            expect([active, inFlight]).toEqual([0, 0])
          return true
        })
        plane.close()
        for (const one of [hanging, well]) one.close()
      },
    }
  }

  test('goes on by the routes of when its backend went', async () => {
    await using at = await scene({ maxInFlight: 1 }, false)
    const answer = ask(at.plane.port, 'a.test')
    await eventually(() => at.backend.queued === 1)
    using next = await startBackend('next')
    at.plane.table.set(new TableRoute('a.test', ['app', at.hanging.url, next.url], undefined))
    at.plane.table.setDead('a.test', undefined)
    at.backend.unreachable = 'connect'
    at.backend.dissolveQueue(() => true)
    expect((await answer).body).toBe('next')
    expect(at.well.connections()).toBe(0)
  })

  test('goes on by the time of when its backend went', async () => {
    await using at = await scene({ maxInFlight: 1 }, false)
    const answer = ask(at.plane.port, 'a.test')
    await eventually(() => at.backend.queued === 1)
    // The other one is back by then.
    at.other(performance.now() + 50)
    await sleep(100)
    expect(at.backend.queued).toBe(1)
    at.backend.unreachable = 'connect'
    at.backend.dissolveQueue(() => true)
    expect((await answer).body).toBe('well')
  })

  test('does not wait for a backend that has left its route, or was marked dead', async () => {
    await using at = await scene({ maxInFlight: 1 }, false)
    for (const end of [
      () => at.plane.table.set(new TableRoute('a.test', ['app', at.well.url], undefined)),
      () => at.plane.table.setDead('a.test', { indexes: new Set([0]), until: Infinity }),
    ]) {
      at.plane.table.set(new TableRoute('a.test', ['app', at.hanging.url, at.well.url], undefined))
      at.plane.table.setDead('a.test', { indexes: new Set([1]), until: Infinity })
      const answer = ask(at.plane.port, 'a.test')
      await eventually(() => at.backend.queued === 1)
      at.plane.table.setDead('a.test', undefined)
      expect(at.backend.queued).toBe(1)
      end()
      expect(at.backend.queued).toBe(0)
      expect((await answer).body).toBe('well')
    }
  })

  test('waits no longer because it moves', async () => {
    const timeouts = { ...defaultTimeouts, queue: 1000 }
    await using at = await scene({ maxInFlight: 1, timeouts }, false)
    // The other one is as busy.
    at.plane.table.setDead('a.test', { indexes: new Set([0]), until: Infinity })
    const busy = connect({ port: at.plane.port, host: '127.0.0.1' })
    busy.write('GET /hang HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await eventually(() => at.well.seen.length === 1)
    let answered = 0
    const answer = ask(at.plane.port, 'a.test').finally(() => (answered = performance.now()))
    const started = performance.now()
    for (let i = 0; answered === 0 && i < 10; i += 1) {
      await sleep(600)
      at.plane.table.setDead('a.test', { indexes: new Set([(i + 1) % 2]), until: Infinity })
    }
    expect((await answer).status).toBe(503)
    expect(answered - started).toBeLessThan(5000)
    busy.resetAndDestroy()
  })

  test('is asked elsewhere where there is no place, and stays the visitor of its own backend', async () => {
    await using at = await scene({ maxInFlight: 1, maxQueue: 0, retries: 0 }, true)
    at.plane.table.setDead('a.test', undefined)
    // Retries are for what has failed.
    const { head, body } = await ask(at.plane.port, 'a.test', '/', `Cookie: paas_backend=${at.token}\r\n`)
    expect(body).toBe('well')
    expect(head).not.toContain('Set-Cookie')
    // Who has none yet, or none of its own, is from now on the visitor of whom it met.
    for (const cookie of ['', 'Cookie: paas_backend=forged\r\n']) {
      const other = await ask(at.plane.port, 'a.test', '/', cookie)
      expect(other.head).toContain('Set-Cookie: paas_backend=')
    }
  })
})

test('connections that nobody takes again do not pile up', async () => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const plane = await startPlane({ routes: { 'a.test': [url] }, mode: modes[0]![1] })
  await ask(plane.port, 'a.test')
  const backend = plane.backends.get(url)!
  backend.closedUnasked()
  for (let i = 0; i < 100; i += 1) {
    expect((await ask(plane.port, 'a.test', '/', '', i % 5 === 0 ? 'GET' : 'POST')).status).toBe(200)
    expect(backend.idleConnections).toBeLessThanOrEqual(3)
  }
  plane.close()
  for (const socket of sockets) socket.destroy()
  server.close()
})
