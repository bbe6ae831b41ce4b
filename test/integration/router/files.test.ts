import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startRedis } from './support/redis.ts'
import { ask, eventually, startRouter } from './support/router.ts'

const mostFiles = 100

test('no file left to look a name up with: no backend is blamed', async () => {
  await using redis = await startRedis()
  const backend = createServer((_, response) => response.setHeader('Connection', 'close').end('ok'))
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const url = `http://localhost:${(backend.address() as AddressInfo).port}`
  await redis.client.rpush('frontend:app.test', 'app', url, `${url}/other`)
  await redis.client.rpush('frontend:checked.test', 'app', url)
  await redis.client.hset('healthcheck:checked.test', { interval: '0.2', fall: '1' })
  await using router = await startRouter(redis, {
    workers: 1,
    through: ['prlimit', `--nofile=${mostFiles}:${mostFiles}`, '--'],
  })
  const [pid] = await router.workerPids()
  const clients: Socket[] = []
  for (let i = 0; i < mostFiles; i += 1) {
    const socket = connect(router.port, '127.0.0.1').on('error', () => undefined)
    clients.push(socket)
    await once(socket, 'connect')
  }
  await eventually(() => readdirSync(`/proc/${pid}/fd`).length >= mostFiles - 1)
  const [first] = clients
  for (let i = 0; i < 3; i += 1) {
    first!.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    expect(String((await once(first!, 'data'))[0])).toContain('503 ')
    await sleep(700)
  }
  expect(await redis.client.keys('dead:*')).toEqual([])
  for (const socket of clients) socket.destroy()
  await eventually(async () => (await ask(router.port, 'app.test')).status === 200)
  expect((await ask(router.port, 'checked.test')).status).toBe(200)
  expect(router.log()).not.toMatch(/gets no requests|failed its check/)
  backend.close()
})
