import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import {
  type ArchiveFile,
  type ArchiveManifest,
  fileEntry,
  packArchive,
  unpackArchive,
} from '../../../src/recovery/archive.ts'
import { dumpState, loadState } from '../../../src/store/dump.ts'
import { startState } from '../../support/redis.ts'

describe('dumpState and loadState', () => {
  it('carry every kind of key over to another Redis, and leave nothing of what was there', async () => {
    await using from = await startState()
    await using to = await startState()
    await from.redis.set('paas:epoch', 'one')
    await from.redis.hset('paas:apps', { blog: 'a1', 'été "q"\n': 'a2' })
    await from.redis.rpush('frontend:by-hand.example', 'id', 'http://10.0.0.1:80', 'http://10.0.0.1:80')
    await from.redis.sadd('paas:some-set', 'x', 'y')
    await from.redis.xadd('paas:events', '5-1', 'what', 'create', 'who', 'root')
    await from.redis.set('paas:route:worker:1', 'of the moment')
    await to.redis.set('paas:app:old', 'gone afterwards')

    const records = await dumpState(from.redis)
    await loadState(to.redis, records)

    expect(await dumpState(to.redis)).toEqual(records)
    expect(await to.redis.get('paas:app:old')).toBeNull()
    expect(await to.redis.lrange('frontend:by-hand.example', 0, -1)).toHaveLength(3)
    expect(await to.redis.xrange('paas:events', '-', '+')).toEqual([
      ['5-1', ['what', 'create', 'who', 'root']],
    ])
    expect(records.map(({ key }) => key)).not.toContain('paas:route:worker:1')
  })

  it('dump nothing of an empty Redis', async () => {
    await using state = await startState()
    expect(await dumpState(state.redis)).toEqual([])
  })
})

const manifest: ArchiveManifest = {
  format: 2,
  createdAt: '2026-01-01T00:00:00.000Z',
  domain: 'x.localhost',
  apps: ['a'],
  holds: ['state', 'repositories'],
}

function* parts(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001)
}

describe('packArchive and unpackArchive', () => {
  async function packed(key: Buffer, folder: string): Promise<{ archive: Buffer; large: Buffer }> {
    const large = randomBytes(3_000_000)
    await writeFile(join(folder, 'large'), large)
    async function* files(): AsyncGenerator<ArchiveFile> {
      yield fileEntry('repositories/a.git/objects/pack', join(folder, 'large'), large.length)
      yield { path: 'state.ndjson', size: 3, content: () => 'abc' }
      yield fileEntry('empty', join(folder, 'nowhere'), 0)
      yield { path: 'hooks/told', size: 3, mode: 0o777, content: () => 'run' }
      yield { path: 'services/s1/own', stream: () => Readable.from(parts(large)) }
      yield { path: 'services/s2/own', stream: () => Readable.from([]) }
    }
    return { archive: await buffer(Readable.from(packArchive(manifest, files(), key))), large }
  }

  it('give back every file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paas-archive-'))
    try {
      const key = randomBytes(32)
      const { archive, large } = await packed(key, folder)
      const to = join(folder, 'out')
      expect(await unpackArchive(Readable.from([archive]), key, to)).toEqual(manifest)
      expect(await readFile(join(to, 'repositories/a.git/objects/pack'))).toEqual(large)
      expect(await readFile(join(to, 'state.ndjson'), 'utf8')).toBe('abc')
      expect(await readFile(join(to, 'empty'), 'utf8')).toBe('')
      // In one piece again, whatever the pieces were that it came in.
      expect(await readFile(join(to, 'services/s1/own'))).toEqual(large)
      expect(await readFile(join(to, 'services/s2/own'), 'utf8')).toBe('')
      // A hook may still be run, and nobody but its owner may change anything.
      expect((await stat(join(to, 'hooks/told'))).mode & 0o777).toBe(0o755)
      expect((await stat(join(to, 'state.ndjson'))).mode & 0o777).toBe(0o600)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('refuse another key and a file that was cut off, and say so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paas-archive-'))
    try {
      const key = randomBytes(32)
      const { archive } = await packed(key, folder)
      const open = (bytes: Buffer, with_: Buffer) =>
        unpackArchive(Readable.from([bytes]), with_, join(folder, 'out'))
      await expect(open(archive, randomBytes(32))).rejects.toThrow(/key is another one/)
      await expect(open(archive.subarray(0, archive.length - 20), key)).rejects.toThrow(
        /cut off|cannot be read/,
      )
      await expect(open(randomBytes(1000), key)).rejects.toThrow(/not a sealed file/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('hold little of a stream at once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paas-archive-'))
    const size = 400 * 1024 * 1024
    async function* files(): AsyncGenerator<ArchiveFile> {
      const chunk = randomBytes(64 * 1024)
      async function* long(): AsyncGenerator<Buffer> {
        for (let at = 0; at < size; at += chunk.length) yield chunk
      }
      yield { path: 'services/s1/own', stream: long }
    }
    const before = process.memoryUsage.rss()
    let most = 0
    let bytes = 0
    for await (const part of packArchive(manifest, files(), randomBytes(32))) {
      bytes += part.length
      most = Math.max(most, process.memoryUsage.rss())
    }
    expect(bytes).toBeGreaterThan(10_000)
    expect(most - before).toBeLessThan(150 * 1024 * 1024)
    await rm(folder, { recursive: true })
  })

  it('report a file that cannot be read instead of ending early', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paas-archive-'))
    async function* files(): AsyncGenerator<ArchiveFile> {
      yield fileEntry('gone', join(folder, 'gone'), 10)
    }
    await expect(buffer(Readable.from(packArchive(manifest, files(), randomBytes(32))))).rejects.toThrow(
      /ENOENT/,
    )
    expect(await readdir(folder)).toEqual([])
    await rm(folder, { recursive: true })
  })
})
