import { createHash, randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBucket } from '../../src/backups/s3.ts'
import { OffsiteStore } from '../../src/model/backup.ts'
import { instance, paas, paasJson, paths } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'
import { presign } from '../support/presign.ts'
import { eventually, mustRun, run } from '../support/process.ts'
import { killServer } from '../support/services.ts'

const mebibyte = 1024 * 1024
const image = `example/${instance.name}:s3`
const dev = await createLaptop('objects')
const app = appName('gallery')
const name = appName('files').slice(0, 20)
let clone: Clone
let bucket: string
let client: S3Client

async function must(...args: string[]): Promise<string> {
  const { code, output, stdout } = await paas(args)
  expect(code, output).toBe(0)
  return stdout
}
const variables = async (): Promise<Record<string, string>> =>
  JSON.parse(await must('config:export', '-a', app, '--format', 'json')) as Record<string, string>

type Keys = { accessKeyId: string; secretAccessKey: string }
type Reached = { client: S3Client; bucket: string; endpoint: string; credentials: Keys }

/** The store of an address as any program reaches it, with the client's own checksums. */
function reach(address: string): Reached {
  const { username, password, host, pathname } = new URL(address)
  const credentials = { accessKeyId: username, secretAccessKey: password }
  const endpoint = `http://${host}`
  const opened = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  })
  return { client: opened, bucket: pathname.slice(1), endpoint, credentials }
}
/** The same from outside, by the port that the service has there. */
async function exposed(service: string): Promise<Reached> {
  const { exposedUrl } = await paasJson<{ exposedUrl: string | null }>('services:credentials', service)
  if (exposedUrl === null) await must('services:expose', service)
  const { exposedUrl: address } = await paasJson<{ exposedUrl: string }>('services:credentials', service)
  const reached = reach(address)
  await eventually('it answers', 60_000, () =>
    reached.client.send(new ListBucketsCommand()).then(
      () => true,
      () => false,
    ),
  )
  return reached
}

const keysOf = async ({ client: from, bucket: of }: Pick<Reached, 'client' | 'bucket'>): Promise<string[]> =>
  ((await from.send(new ListObjectsV2Command({ Bucket: of }))).Contents ?? []).map(({ Key }) => Key!)

type Found = {
  sha256: string
  type: string
  etag: string
  changed: number
  metadata: object
  encoding: string
}
async function objectOf(from: Pick<Reached, 'client' | 'bucket'>, Key: string): Promise<Found> {
  const found = await from.client.send(new GetObjectCommand({ Bucket: from.bucket, Key }))
  const bytes = await found.Body!.transformToByteArray()
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    type: found.ContentType!,
    etag: found.ETag!,
    changed: found.LastModified!.getTime(),
    metadata: found.Metadata!,
    encoding: found.ContentEncoding ?? '',
  }
}
async function everything(from: Pick<Reached, 'client' | 'bucket'>): Promise<Record<string, Found>> {
  const found: Record<string, Found> = {}
  for (const key of await keysOf(from)) found[key] = await objectOf(from, key)
  return found
}

async function uploadInParts(Key: string, parts: Buffer[]): Promise<void> {
  const at = { Bucket: bucket, Key }
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...at, ContentType: 'video/mp4', Metadata: { long: 'yes' } }),
  )
  const done = []
  for (const [i, Body] of parts.entries()) {
    const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: i + 1, Body }))
    done.push({ PartNumber: i + 1, ETag })
  }
  await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: done } }))
}

const odd = [
  'a',
  'a/b',
  'a//b',
  '/first',
  'last/',
  '../up',
  'a b+c%20&=?#',
  'größe/日本語 🐘',
  'it"s <xml>',
  'x'.repeat(900),
]
const large = [randomBytes(5 * mebibyte), randomBytes(5 * mebibyte), randomBytes(123_457)]

beforeAll(async () => {
  clone = await dev.clone(app, { from: 'node-store' })
  await clone.deploy()
  await must('services:create', 's3', name)
  ;({ client, bucket } = await exposed(name))
}, 600_000)
afterAll(async () => {
  for (const { name: service } of await paasJson<{ name: string }[]>('services:list')) {
    await paas(['services:destroy', service, '--force', '--confirm', service])
  }
  for (const { id } of (await paasJson<{ backups: { id: string }[] }>('backups:list')).backups) {
    await paas(['backups:destroy', id])
  }
  await run('docker', ['rmi', image])
  await dev[Symbol.asyncDispose]()
})

describe('the client of Amazon with its own defaults', () => {
  test.each(odd)('has an object back under the name %j', async (Key) => {
    const Body = randomBytes(1000)
    await client.send(
      new PutObjectCommand({
        ...{ Bucket: bucket, Key, Body, ContentType: 'image/x-odd; a="b"', ContentEncoding: 'br' },
        ...{ CacheControl: 'max-age=1', Metadata: { 'some-name': 'a value' } },
      }),
    )
    expect(await objectOf({ client, bucket }, Key)).toMatchObject({
      sha256: createHash('sha256').update(Body).digest('hex'),
      ...{ type: 'image/x-odd; a="b"', encoding: 'br', metadata: { 'some-name': 'a value' } },
    })
    expect(await keysOf({ client, bucket })).toContain(Key)
  })

  test('sends a stream of unknown content, and an empty object', async () => {
    const content = randomBytes(3 * mebibyte)
    await client.send(
      new PutObjectCommand({
        ...{ Bucket: bucket, Key: 'streamed', ContentLength: content.length },
        Body: Readable.from([content.subarray(0, 100_000), content.subarray(100_000)]),
      }),
    )
    expect((await objectOf({ client, bucket }, 'streamed')).sha256).toBe(
      createHash('sha256').update(content).digest('hex'),
    )
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'empty', Body: '' }))
    expect((await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'empty' }))).ContentLength).toBe(0)
  })

  test('uploads in parts, reads a range over two of them, and gives one up', async () => {
    await uploadInParts('film', large)
    const whole = Buffer.concat(large)
    const film = await objectOf({ client, bucket }, 'film')
    expect(film).toMatchObject({ type: 'video/mp4', metadata: { long: 'yes' } })
    expect(film.etag).toMatch(/-3"$/)
    expect(film.sha256).toBe(createHash('sha256').update(whole).digest('hex'))
    const [from, to] = [5 * mebibyte - 10, 5 * mebibyte + 9]
    const part = await client.send(
      new GetObjectCommand({ Bucket: bucket, Key: 'film', Range: `bytes=${from}-${to}` }),
    )
    expect(Buffer.from(await part.Body!.transformToByteArray())).toEqual(whole.subarray(from, to + 1))
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'no' }))
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: 'no', UploadId }))
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    expect(Uploads ?? []).toEqual([])
  })

  test('lists by folders, copies and removes', async () => {
    const { bucket: Bucket } = await exposed(name)
    for (const key of ['one', 'two'])
      await client.send(new PutObjectCommand({ Bucket, Key: `dir/${key}`, Body: key }))
    const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'dir', Delimiter: '/' }))
    expect(listed.CommonPrefixes).toEqual([{ Prefix: 'dir/' }])
    await client.send(new CopyObjectCommand({ Bucket, Key: 'dir/three', CopySource: `${Bucket}/dir/one` }))
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'dir/', MaxKeys: 2 }))
    expect([page.KeyCount, page.IsTruncated]).toEqual([2, true])
    const Objects = ['one', 'two', 'three'].map((key) => ({ Key: `dir/${key}` }))
    const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Errors ?? []).toEqual([])
    expect(await keysOf({ client, bucket })).not.toContain('dir/one')
  })

  test('signs addresses for others, who need nothing else', async () => {
    const { endpoint, credentials } = await exposed(name)
    const at = { endpoint, bucket, key: 'signed' }
    const put = await fetch(presign('PUT', at, credentials), { method: 'PUT', body: 'by address' })
    expect(put.status, await put.text()).toBe(200)
    expect(await (await fetch(presign('GET', at, credentials))).text()).toBe('by address')
    expect((await fetch(presign('PUT', at, credentials))).status).toBe(403)
    expect((await fetch(`${endpoint}/${bucket}/signed`)).ok).toBe(false)
  })

  test('is refused with another secret, and so is everybody without one', async () => {
    const { endpoint, credentials } = await exposed(name)
    const wrong = new S3Client({
      ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
      credentials: { ...credentials, secretAccessKey: 'x'.repeat(64) },
    })
    await expect(wrong.send(new ListBucketsCommand())).rejects.toThrow(/signature/i)
    for (const path of ['/', `/${bucket}`, `/v1/AUTH_x/${bucket}`, '/auth/v1.0', '/info']) {
      expect((await fetch(`${endpoint}${path}`)).ok, path).toBe(false)
    }
  })
})

test(
  'an app has the address in parts too, and a second store leaves them alone',
  { timeout: 600_000 },
  async () => {
    await must('services:link', name, '-a', app)
    const first = await variables()
    const url = new URL(first['S3_URL']!)
    expect(first).toMatchObject({
      AWS_ACCESS_KEY_ID: url.username,
      AWS_SECRET_ACCESS_KEY: url.password,
      AWS_ENDPOINT_URL_S3: `http://${url.host}`,
      AWS_REGION: 'us-east-1',
      BUCKET_NAME: bucket,
    })
    const second = `${name}-two`
    await must('services:create', 's3', second)
    await must('services:link', second, '-a', app)
    const both = await variables()
    expect(both).toMatchObject(first)
    const [colour] = Object.keys(both).filter((key) => !(key in first))
    await must('services:promote', second, '-a', app)
    const promoted = await variables()
    expect(promoted).toMatchObject({
      S3_URL: both[colour!],
      BUCKET_NAME: new URL(both[colour!]!).pathname.slice(1),
    })
    expect(Object.values(promoted)).toContain(first['S3_URL'])
    await must('services:promote', name, '-a', app)
    expect(await variables()).toMatchObject(first)
    await must('services:unlink', second, '-a', app)
    const back = await variables()
    expect(back).toMatchObject(first)
    expect(Object.values(back)).not.toContain(both[colour!])
    await must('services:destroy', second, '--confirm', second)
  },
)

test('all that was answered is there after a crash in the midst of writing', async () => {
  const kept: string[] = []
  let going = true
  const writing = Array.from({ length: 4 }, async (_, writer) => {
    for (let i = 0; going; i++) {
      const Key = `crash/${writer}-${i}`
      const sent = client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))
      await sent.then(
        () => kept.push(Key),
        () => (going = false),
      )
    }
  })
  await eventually('some are written', 30_000, async () => kept.length > 40)
  await killServer(name)
  await Promise.all(writing)
  await exposed(name)
  const listed = (await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'crash/' }))).Contents!
  expect(kept.filter((key) => !listed.some(({ Key }) => Key === key))).toEqual([])
  for (const Key of kept) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
    expect(await Body!.transformToString()).toBe(Key)
  }
  const Objects = listed.map(({ Key }) => ({ Key }))
  await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
})

test('a backup brings everything back as it was, also under another name', { timeout: 600_000 }, async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'another-one' }))
  await client.send(new PutObjectCommand({ Bucket: 'another-one', Key: 'k', Body: 'v' }))
  const before = await everything({ client, bucket })
  expect(Object.keys(before)).toEqual(expect.arrayContaining([...odd, 'film']))
  const backup = await paasJson<{ id: string; drill: { ok: boolean; counts: Record<string, number> } }>(
    ...['backups:create', name, '--drill'],
  )
  expect(backup.drill).toMatchObject({
    ok: true,
    counts: {
      objects: Object.keys(before).length,
      'bucket another-one: objects': 1,
      'bucket another-one: bytes': 1,
    },
  })
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'film' }))
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: 'changed' }))
  await must('backups:restore', name, backup.id)
  expect(await everything({ client, bucket })).toEqual(before)

  const other = `${name}-b`
  await must('backups:restore', name, backup.id, '--to', other)
  const copy = await exposed(other)
  expect(copy.bucket).not.toBe(bucket)
  expect(await everything(copy)).toEqual(before)
  expect(await keysOf({ client: copy.client, bucket: 'another-one' })).toEqual(['k'])
  const clone2 = `${name}-c`
  await must('services:clone', other, clone2)
  expect(await everything(await exposed(clone2))).toEqual(before)
  for (const one of [other, clone2]) await must('services:destroy', one, '--confirm', one)
})

describe('the platform’s own backups', () => {
  test('are copied into a store, part by part, and restored from there', { timeout: 600_000 }, async () => {
    const store = `${name}-d`
    await must('services:create', 's3', store)
    const away = await exposed(store)
    const { accessKeyId, secretAccessKey } = away.credentials
    const added = await paas(
      ['backups:stores:add', 'there', `s3://${away.bucket}/p/`, '--endpoint', away.endpoint],
      { input: `${accessKeyId} ${secretAccessKey}\n` },
    )
    expect(added.code, added.output).toBe(0)
    const before = await everything({ client, bucket })
    const backup = await paasJson<{ id: string; copies: { status: string }[] }>(
      ...['backups:create', name, '--to', 'there'],
    )
    expect(backup.copies).toMatchObject([{ status: 'stored' }])
    const [copy] = (await keysOf(away)).filter((key) => key.includes(backup.id) && key.endsWith('.sealed'))
    expect((await objectOf(away, copy!)).etag).toMatch(/-\d+"$/)
    await rm(join(paths.backups, backup.id, '0.sealed'))
    await must('backups:restore', name, backup.id)
    expect(await everything({ client, bucket })).toEqual(before)
    await must('backups:destroy', backup.id)
    expect(await keysOf(away)).toEqual([])
    await must('backups:stores:remove', 'there')
    await must('services:destroy', store, '--confirm', store)
  })

  test('go on where an upload was cut off', async () => {
    const { endpoint, credentials } = await exposed(name)
    const file = join(instance.root, 'cut')
    const content = randomBytes(20 * mebibyte)
    await writeFile(file, content)
    const at = { Bucket: bucket, Key: 'p/cut' }
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
    const Body = content.subarray(0, 8 * mebibyte)
    await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body }))
    const { accessKeyId, secretAccessKey } = credentials
    const store = OffsiteStore.parse({
      ...{ name: 'here', bucket, prefix: 'p/', region: 'us-east-1', endpoint },
      ...{ accessKeyId, secretAccessKey: 'sealed' },
    })
    const opened = await openBucket({ store, secretAccessKey })
    await opened.upload('cut', file, AbortSignal.timeout(60_000))
    const sha256 = createHash('sha256')
    for await (const chunk of opened.download('cut')) sha256.update(chunk)
    expect(sha256.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'))
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual([])
    await opened.remove('cut')
    await rm(file)
  })
})

test('parts of what was replaced, and marks of what was removed, are cleared away', async () => {
  await uploadInParts('film', large)
  const filter = ['--filter', `name=^/${name}\\.`, '--filter', 'label=paas.role=server']
  const id = (await mustRun('docker', ['ps', '--quiet', ...filter])).trim()
  const within = (...words: string[]): Promise<string> => mustRun('docker', ['exec', id, ...words])
  const files = async (): Promise<{ data: number; marks: number }> => {
    const found = (await within('find', '/data/node/d1/objects', '-type', 'f')).split('\n')
    const count = (end: string): number => found.filter((path) => path.endsWith(end)).length
    return { data: count('.data'), marks: count('.ts') }
  }
  const before = await everything({ client, bucket })
  const was = await files()
  expect(was.marks).toBeGreaterThan(0)
  await within('python3', '/tmp/swift/paas_chores.py', '0')
  const now = await files()
  expect(now).toEqual({ data: was.data - large.length, marks: 0 })
  expect(await everything({ client, bucket })).toEqual(before)
})

test('what is no dump, or ends too early, changes nothing', { timeout: 600_000 }, async () => {
  const before = await everything({ client, bucket })
  const dump = await mustRun('bash', ['-c', '"$1" services:export "$2" | base64', 'x', paths.launcher, name])
  const bytes = Buffer.from(dump, 'base64')
  for (const cut of [0, 5, 512, 20_000, bytes.length - 12_000, bytes.indexOf('comment={"objects"') - 512]) {
    const pipe = 'base64 -d | head -c "$3" | "$1" services:import "$2"'
    await expect(
      mustRun('bash', ['-c', pipe, 'x', paths.launcher, name, String(cut)], {
        input: dump,
      }),
      String(cut),
    ).rejects.toThrow()
  }
  expect(await everything({ client, bucket })).toEqual(before)
})

test('new credentials reach the app, and the old ones open nothing', { timeout: 600_000 }, async () => {
  const old = await exposed(name)
  const before = await variables()
  await must('credentials:rotate', name)
  const after = await variables()
  expect(after['AWS_SECRET_ACCESS_KEY']).not.toBe(before['AWS_SECRET_ACCESS_KEY'])
  expect(after['S3_URL']).toContain(after['AWS_SECRET_ACCESS_KEY'])
  await expect(old.client.send(new ListBucketsCommand())).rejects.toThrow(/signature/i)
  ;({ client } = await exposed(name))
  expect(await keysOf({ client, bucket })).toContain('film')
})

test('an app’s own buckets are out of reach of others, and in the backup', { timeout: 600_000 }, async () => {
  await must('services:unlink', name, '-a', app)
  await must('services:link', name, '-a', app, '--own-database')
  const { S3_URL: address } = await variables()
  const own = reach(address!)
  const { endpoint } = await exposed(name)
  const asApp = new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: own.credentials },
  })
  expect(own.bucket).not.toBe(bucket)
  await asApp.send(new PutObjectCommand({ Bucket: own.bucket, Key: 'mine', Body: 'mine' }))
  expect((await asApp.send(new ListBucketsCommand())).Buckets!.map(({ Name }) => Name)).toEqual([own.bucket])
  await expect(asApp.send(new ListObjectsV2Command({ Bucket: bucket }))).rejects.toThrow()
  await expect(client.send(new ListObjectsV2Command({ Bucket: own.bucket }))).rejects.toThrow()
  const copy = new CopyObjectCommand({ Bucket: own.bucket, Key: 'stolen', CopySource: `${bucket}/film` })
  await expect(asApp.send(copy)).rejects.toThrow()
  const backup = await paasJson<{ id: string; drill: { ok: boolean; counts: Record<string, number> } }>(
    ...['backups:create', name, '--drill'],
  )
  expect([backup.drill.ok, Object.entries(backup.drill.counts)]).toEqual([
    true,
    expect.arrayContaining([[expect.stringMatching(/ objects$/), 1]]),
  ])
  await asApp.send(new DeleteObjectCommand({ Bucket: own.bucket, Key: 'mine' }))
  await must('backups:restore', name, backup.id)
  expect(await keysOf({ client: asApp, bucket: own.bucket })).toEqual(['mine'])
  await must('services:unlink', name, '-a', app, '--drop-database')
  await expect(asApp.send(new ListBucketsCommand())).rejects.toThrow()
})

test(
  'an upgrade takes the objects along; settings that the server does not know are taken back',
  { timeout: 600_000 },
  async () => {
    const before = await everything({ client, bucket })
    await mustRun('docker', ['tag', 'paas/service-s3:2.35', image])
    await must('services:upgrade', name, '--image', image)
    ;({ client } = await exposed(name))
    expect(await everything({ client, bucket })).toEqual(before)
    await must('services:upgrade', name, '--finish')
    expect((await paas(['services:set', name, 'max_clients=lots'])).output).toContain('Back to what it was')
    await must('services:set', name, 'max_clients=200', '--memory', '400m')
    ;({ client } = await exposed(name))
    expect(Object.keys(await everything({ client, bucket }))).toEqual(Object.keys(before))
    expect((await paas(['services:connect', name], { input: 's3cmd ls\n' })).stdout).toContain(
      `s3://${bucket}`,
    )
  },
)
