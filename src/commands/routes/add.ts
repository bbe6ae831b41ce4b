import { z } from 'zod'
import { addRoute } from '../../apps/routes.ts'
import { identityName } from '../../model/key.ts'
import { BackendUrl, NewRouteHost, Route } from '../../model/route.ts'
import { defineCommand } from '../define.ts'

export const routesAdd = defineCommand({
  name: 'routes:add',
  summary: 'route a host to backends that are no app',
  description:
    'Sends the requests for a host to servers that paas does not run, at once; backends are added to those that the ' +
    "host has. *.example.com and * work as for domains. An app's hosts are set with domains:add instead.",
  examples: [
    'paas routes:add wiki.example.com http://10.0.0.5:8080',
    'paas routes:add wiki.example.com http://10.0.0.5:8080 http://10.0.0.6:8080 --identifier wiki',
  ],
  access: 'admin',
  app: 'none',
  args: {
    host: NewRouteHost.describe('host name'),
    backends: z.array(BackendUrl).min(1, 'give at least one backend').describe('http://address:port'),
  },
  flags: {
    identifier: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x21-\x7e]+$/, 'an identifier has no spaces')
      .optional()
      .describe('what the access log calls it (the host)')
      .meta({ value: 'name' }),
  },
  result: Route,
  run: ({ args, flags }, { platform, identity }) =>
    addRoute(platform, { ...args, identifier: flags.identifier }, identityName(identity)),
  render: ({ host, backends }) => `${host} goes to ${backends.join(', ')}.\n`,
})
