import { z } from 'zod'
import { addDrain } from '../../apps/drains.ts'
import { parseDrainUrl, shownUrl } from '../../logs/sender.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const drainsAdd = defineCommand({
  name: 'drains:add',
  summary: 'send the logs of an app to another place too',
  description:
    'Sends every line of the logs from now on: as syslog (RFC 5424) over TCP or TLS, or by HTTP as Heroku does. While ' +
    'the other side is away, lines wait on disk as long as the logs keep them; what is dropped is counted.',
  examples: [
    'paas drains:add -a blog syslog+tls://logs.example.com:6514',
    'paas drains:add -a blog https://user:password@logs.example.com/in',
  ],
  access: 'manage',
  app: 'required',
  args: { url: z.string().max(2048).describe('syslog://host:port, syslog+tls://host:port, http(s)://…') },
  result: z.object({ app: z.string(), id: z.string(), url: z.string() }),
  async run({ app, args }, context) {
    const { href } = parseDrainUrl(args.url)
    const { id } = await addDrain(context.platform, app, href, askerOf(context))
    return { app: app.name, id, url: shownUrl(href) }
  },
  render: ({ app, id, url }) => `The logs of ${app} go to ${url} too (${id}).\n`,
})
