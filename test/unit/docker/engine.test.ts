import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { negotiate, openEngine } from '../../../src/docker/engine.ts'

test.each([
  ['20.10', '1.41', '1.12', '1.41'],
  ['26.1', '1.45', '1.24', '1.45'],
  ['28.5', '1.51', '1.24', '1.51'],
  ['29.0', '1.52', '1.44', '1.51'],
  ['19.03', '1.40', '1.12', undefined],
  ['one that has forgotten what we know', '1.70', '1.60', undefined],
])('with Docker %s', (_, newest, oldest, agreed) => {
  expect(negotiate(newest, oldest)).toBe(agreed)
})

test('after an upgrade of the engine the version is agreed on anew', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paas-engine-'))
  const socket = join(folder, 'docker.sock')
  let engine = { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' }
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    const minor = Number(/^\/v1\.(\d+)\//.exec(request.url!)?.[1] ?? engine.ApiVersion.split('.')[1])
    response.statusCode = minor < Number(engine.MinAPIVersion.split('.')[1]) ? 400 : 200
    response.setHeader('content-type', 'application/json').end(JSON.stringify(engine))
  }).listen(socket)
  try {
    await once(server, 'listening')
    const { docker, negotiate: agree } = openEngine(socket)
    expect(await agree()).toBe('20.10.24')
    await docker.info()
    engine = { Version: '29.1.0', ApiVersion: '1.52', MinAPIVersion: '1.44' }
    await expect(docker.info()).rejects.toThrow('400')
    expect(await agree()).toBe('29.1.0')
    await docker.info()
    expect(asked).toEqual(['/version', '/v1.41/info', '/v1.41/info', '/version', '/v1.51/info'])
  } finally {
    server.close()
    await rm(folder, { recursive: true })
  }
})
