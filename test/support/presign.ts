import { createHash, createHmac } from 'node:crypto'

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** An address that allows one request of an object to whoever has it, as S3 clients make them (signature version 4). */
export function presign(
  method: 'GET' | 'PUT',
  { endpoint, bucket, key }: { endpoint: string; bucket: string; key: string },
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
  seconds = 60,
): string {
  const url = new URL(`${endpoint}/${bucket}/${key}`)
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`
  url.search = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(seconds),
    'X-Amz-SignedHeaders': 'host',
  }).toString()
  const request = [
    ...[method, url.pathname, url.search.slice(1)],
    ...[`host:${url.host}`, '', 'host', 'UNSIGNED-PAYLOAD'],
  ].join('\n')
  const hash = createHash('sha256').update(request).digest('hex')
  const signingKey = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  const signature = hmac(signingKey, ['AWS4-HMAC-SHA256', time, scope, hash].join('\n'))
  url.searchParams.set('X-Amz-Signature', signature.toString('hex'))
  return url.href
}
