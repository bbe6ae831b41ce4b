import { type FileHandle, open } from 'node:fs/promises'
import type { ListPartsCommandOutput } from '@aws-sdk/client-s3'
import { type OffsiteStore } from '../model/backup.ts'

/** S3 takes parts of at least 5 MiB, and at most 10,000 of them. */
const leastPart = 8 * 1024 * 1024
const mostParts = 9_000

export type S3Access = { store: OffsiteStore; secretAccessKey: string }

export type Bucket = {
  /** Uploads a file; what an upload that was cut off has left is not sent again. */
  upload: (name: string, file: string, signal: AbortSignal) => Promise<void>
  download: (name: string) => AsyncGenerator<Buffer>
  remove: (name: string) => Promise<void>
  /** Throws unless objects can be written, read and removed. */
  tryOut: () => Promise<void>
}

/** A bucket of an S3-compatible store. The client, which is large, is loaded when it is needed. */
export async function openBucket({ store, secretAccessKey }: S3Access): Promise<Bucket> {
  const s3 = await import('@aws-sdk/client-s3')
  const client = new s3.S3Client({
    region: store.region,
    ...(store.endpoint !== undefined && { endpoint: store.endpoint, forcePathStyle: true }),
    credentials: { accessKeyId: store.accessKeyId, secretAccessKey },
    maxAttempts: 3,
    // Not every compatible store knows the checksums that Amazon's came to have.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const at = (name: string): { Bucket: string; Key: string } => ({
    Bucket: store.bucket,
    Key: `${store.prefix}${name}`,
  })

  /** The upload of this object that is under way, with the parts that have arrived. */
  async function begun(
    Key: string,
  ): Promise<{ UploadId: string; there: Map<number, { ETag: string; Size: number }> }> {
    const { Uploads = [] } = await client.send(
      new s3.ListMultipartUploadsCommand({ Bucket: store.bucket, Prefix: Key }),
    )
    const UploadId = Uploads.find((upload) => upload.Key === Key)?.UploadId
    if (UploadId === undefined) {
      const made = await client.send(new s3.CreateMultipartUploadCommand({ Bucket: store.bucket, Key }))
      return { UploadId: made.UploadId!, there: new Map() }
    }
    const there = new Map<number, { ETag: string; Size: number }>()
    // Not by the client's pages: a store may name a next one after the last, and they would never end.
    let after: string | undefined
    do {
      const page: ListPartsCommandOutput = await client.send(
        new s3.ListPartsCommand({ Bucket: store.bucket, Key, UploadId, PartNumberMarker: after }),
      )
      for (const { PartNumber, ETag, Size } of page.Parts ?? []) {
        there.set(PartNumber!, { ETag: ETag!, Size: Size! })
      }
      after = page.IsTruncated === true ? page.NextPartNumberMarker : undefined
    } while (after !== undefined)
    return { UploadId, there }
  }

  return {
    async upload(name, path, signal) {
      await using file = await open(path)
      const { size } = await file.stat()
      if (size <= leastPart) {
        await client.send(new s3.PutObjectCommand({ ...at(name), Body: await read(file, 0, size) }), {
          abortSignal: signal,
        })
        return
      }
      const partBytes = Math.max(leastPart, Math.ceil(size / mostParts))
      const { UploadId, there } = await begun(at(name).Key)
      const parts: { PartNumber: number; ETag: string }[] = []
      for (let number = 1, from = 0; from < size; number++, from += partBytes) {
        const length = Math.min(partBytes, size - from)
        const arrived = there.get(number)
        const ETag =
          arrived?.Size === length
            ? arrived.ETag
            : (
                await client.send(
                  new s3.UploadPartCommand({
                    ...at(name),
                    UploadId,
                    PartNumber: number,
                    Body: await read(file, from, length),
                  }),
                  { abortSignal: signal },
                )
              ).ETag!
        parts.push({ PartNumber: number, ETag })
      }
      await client.send(
        new s3.CompleteMultipartUploadCommand({ ...at(name), UploadId, MultipartUpload: { Parts: parts } }),
      )
    },

    async *download(name) {
      const { Body } = await client.send(new s3.GetObjectCommand(at(name)))
      yield* Body as unknown as AsyncIterable<Buffer>
    },

    async remove(name) {
      await client.send(new s3.DeleteObjectCommand(at(name)))
    },

    async tryOut() {
      const probe = at('.paas-probe')
      await client.send(new s3.PutObjectCommand({ ...probe, Body: 'paas' }))
      await client.send(new s3.GetObjectCommand(probe)).then(({ Body }) => Body?.transformToByteArray())
      await client.send(new s3.DeleteObjectCommand(probe))
    },
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead !== length) throw new Error('the backup on the disk is shorter than it was')
  return buffer
}
