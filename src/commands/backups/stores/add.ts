import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { addStore } from '../../../backups/offsite.ts'
import { PaasError } from '../../../errors/paas-error.ts'
import { OffsiteStore } from '../../../model/backup.ts'
import { defineCommand } from '../../define.ts'

export const backupsStoresAdd = defineCommand({
  name: 'backups:stores:add',
  summary: 'add an S3-compatible store that backups are copied to',
  description:
    'The access key id and the secret access key are two words on stdin, so that they are in no list of processes. The ' +
    'store is tried out first: something is written, read and removed.',
  examples: [
    'paas backups:stores:add offsite s3://my-backups/server1/ --region eu-central-1 < keys',
    'paas backups:stores:add offsite s3://my-backups --endpoint https://s3.example.com < keys',
  ],
  access: 'admin',
  app: 'none',
  args: {
    name: OffsiteStore.shape.name.describe('what the store is called here'),
    url: z.string().describe('s3://BUCKET or s3://BUCKET/PREFIX/'),
  },
  flags: {
    endpoint: z.url('give a URL').optional().describe("not Amazon's").meta({ value: 'url' }),
    region: z.string().default('us-east-1').describe('us-east-1, unless named').meta({ value: 'region' }),
  },
  result: z.object({ name: z.string(), bucket: z.string(), prefix: z.string() }),
  async run({ args, flags }, { platform, io }) {
    const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(args.url)
    if (match === null) {
      throw new PaasError(
        'INVALID_INPUT',
        `${JSON.stringify(args.url)} is not s3://BUCKET or s3://BUCKET/PREFIX/.`,
      )
    }
    if (io.terminal.tty.stdin) {
      throw new PaasError('INVALID_INPUT', 'The keys are missing.', { hint: 'Two words on stdin: < keys' })
    }
    const [accessKeyId = '', secretAccessKey = ''] = (await text(io.stdin())).split(/\s+/).filter(Boolean)
    const prefix = match[2] ?? ''
    const parsed = OffsiteStore.safeParse({
      name: args.name,
      bucket: match[1],
      prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
      region: flags.region,
      ...(flags.endpoint !== undefined && { endpoint: flags.endpoint }),
      accessKeyId,
      secretAccessKey,
    })
    if (!parsed.success) throw new PaasError('INVALID_INPUT', `${parsed.error.issues[0]!.message}.`)
    if (secretAccessKey === '') throw new PaasError('INVALID_INPUT', 'The keys are two words on stdin.')
    await addStore(platform, parsed.data)
    return { name: parsed.data.name, bucket: parsed.data.bucket, prefix: parsed.data.prefix }
  },
  render: ({ name, bucket, prefix }) =>
    `${name} is s3://${bucket}/${prefix}: it was written to, read and cleaned.\n`,
})
