import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBucket, type Bucket } from '../../../src/backups/s3.ts'
import { randomHex } from '../../../src/lib/ids.ts'
import { OffsiteStore } from '../../../src/model/backup.ts'
import { startS3, type S3Server } from '../../support/s3.ts'

const mebibyte = 1024 * 1024
const content = randomBytes(29 * mebibyte)
let server: S3Server
let bucket: Bucket
let client: S3Client
let folder = ''
let file = ''

beforeAll(async () => {
  server = await startS3(`paas-test-${randomHex(3)}`)
  const { endpoint } = server
  const at = { bucket: 'bucket', prefix: 'p/', region: 'us-east-1', endpoint }
  const store = OffsiteStore.parse({ ...at, name: 'offsite', accessKeyId: 'AKIA', secretAccessKey: 'sealed' })
  bucket = await openBucket({ store, secretAccessKey: 'secret' })
  client = new S3Client({
    endpoint,
    region: store.region,
    forcePathStyle: true,
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  folder = await mkdtemp(join(tmpdir(), 'paas-s3-'))
  file = join(folder, 'file')
  await writeFile(file, content)
}, 300_000)
afterAll(async () => {
  await server.remove()
  await rm(folder, { recursive: true, force: true })
})

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
async function download(name: string): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of bucket.download(name)) chunks.push(chunk)
  return sha256(Buffer.concat(chunks))
}
/** Numbers of the parts of an object that were sent since the server started. */
const sent = async (name: string): Promise<string[]> =>
  (await server.requests()).flatMap((line) => {
    const match = /"PUT \/bucket\/p\/(\S+?)\?(\S*)/.exec(line)
    const part = match?.[1] === name ? /partNumber=(\d+)/.exec(match[2]!) : null
    return part === null ? [] : [part[1]!]
  })

test('a large file goes in parts, and comes back as it was', async () => {
  await bucket.upload('whole', file, AbortSignal.timeout(60_000))
  expect(await sent('whole')).toEqual(['1', '2', '3', '4'])
  expect(await download('whole')).toBe(sha256(content))
})

test('an upload that was cut off goes on where it was', async () => {
  const at = { Bucket: 'bucket', Key: 'p/cut' }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
  const part = (PartNumber: number, Body: Buffer) =>
    client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }))
  await part(1, content.subarray(0, 8 * mebibyte))
  await part(2, content.subarray(8 * mebibyte, 16 * mebibyte))
  // One that is shorter than it should be is of no use.
  await part(3, content.subarray(16 * mebibyte, 22 * mebibyte))
  await bucket.upload('cut', file, AbortSignal.timeout(60_000))
  expect((await sent('cut')).sort()).toEqual(['1', '2', '3', '3', '4'])
  expect(await download('cut')).toBe(sha256(content))
  expect((await client.send(new ListMultipartUploadsCommand({ Bucket: 'bucket' }))).Uploads ?? []).toEqual([])
})
