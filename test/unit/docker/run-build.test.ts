import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { runBuild } from '../../../src/docker/buildkit/run-build.ts'
import { openEngine } from '../../../src/docker/engine.ts'

test('an engine that goes away in a build is said to, and is no defect of ours', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paas-engine-'))
  const socket = join(folder, 'docker.sock')
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.write('{"status":"so far"}\n', () => response.destroy())
    })
  })
  // The session that the engine would ask for secrets.
  server.on('upgrade', (_, connection) => {
    connection.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
    connection.resume().once('end', () => connection.end())
  })
  server.listen(socket)
  try {
    await once(server, 'listening')
    const building = runBuild(openEngine(socket).docker, {
      context: Readable.from([Buffer.alloc(1024)]),
      dockerfile: 'Dockerfile',
      tag: 'x',
      labels: {},
      buildArgs: {},
      target: undefined,
      noCache: false,
      secrets: {},
      registries: {},
      signal: new AbortController().signal,
      onProgress: () => undefined,
    })
    await expect(building).rejects.toMatchObject({
      code: 'DOCKER_UNREACHABLE',
      message: 'Docker does not answer (ECONNRESET).',
    })
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  }
})
