import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { parseRedisUrl } from '../../../src/store/redis-target.ts'
import { openRouteFeed } from '../../../src/store/route-feed.ts'
import { startRedis } from '../router/support/redis.ts'
import { eventually } from '../router/support/router.ts'

/** Stands before a Redis, and keeps what is said on each connection back for as long as `delays` says, in order. */
async function startSlowDoor(path: string, delays: number[]) {
  let accepted = 0
  const server = createServer((socket) => {
    const delay = delays[accepted] ?? 0
    accepted += 1
    const redis = connect(path)
    for (const one of [socket, redis]) one.on('error', () => undefined)
    redis.pipe(socket)
    socket.on('close', () => redis.destroy())
    setTimeout(() => socket.pipe(redis), delay)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => void server.close(),
  }
}

test.each([
  ['the commands', [500, 0]],
  ['the subscription', [0, 500]],
])('keys are heard of although the connection for %s is late', { timeout: 15_000 }, async (_name, delays) => {
  // A Redis that sends no notifications until it is asked to.
  await using redis = await startRedis([])
  using door = await startSlowDoor(redis.socket, delays)
  const target = parseRedisUrl(`redis://127.0.0.1:${door.port}`)
  const heard: string[] = []
  let connected = 0
  const feed = openRouteFeed(
    { read: target, write: target },
    {
      onConnected: () => (connected += 1),
      onChanged: (hosts) => heard.push(...hosts),
      onError: () => undefined,
    },
    { mayConfigure: true },
  )
  try {
    await eventually(() => Promise.resolve(connected > 0))
    await redis.client.rpush('frontend:late.test', 'late', 'http://127.0.0.1:1')
    await eventually(() => Promise.resolve(heard.includes('late.test')))
  } finally {
    feed.close()
  }
  expect(heard).toEqual(['late.test'])
})
