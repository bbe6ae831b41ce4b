import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEngine } from '../../../src/docker/engine.ts'

const folder = await mkdtemp(join(tmpdir(), 'paas-engine-'))
const socket = join(folder, 'docker.sock')
let last = {}
const server = createServer((request, response) => {
  request.resume().once('end', () => response.end(`{"status":"so far"}\r\n${JSON.stringify(last)}\r\n`))
})

beforeAll(async () => {
  server.listen(socket)
  await once(server, 'listening')
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

const { images } = openEngine(socket)
const calls = {
  pull: () => images.pull('x:1', { signal: new AbortController().signal, onStatus: () => undefined }),
  load: () => images.load(Readable.from([Buffer.alloc(512)])),
  import: () => images.import(Readable.from([Buffer.alloc(512)]), 'x:1', []),
}

// Engines tell a failure both ways; of the API's two fields the older one is to go.
test.each([
  [{ error: 'manifest unknown' }],
  [{ errorDetail: { message: 'manifest unknown' } }],
  [{ errorDetail: { code: 1, message: 'manifest unknown' }, error: 'manifest unknown' }],
])('a failure after a good start is one: %j', async (message) => {
  last = message
  for (const call of Object.values(calls)) await expect(call()).rejects.toThrow('manifest unknown')
})
