import { z } from 'zod'
import { removeRoute } from '../../apps/routes.ts'
import { identityName } from '../../model/key.ts'
import { Route } from '../../model/route.ts'
import { defineCommand } from '../define.ts'

export const routesRemove = defineCommand({
  name: 'routes:remove',
  summary: 'take away a route that was added by hand, or some of its backends',
  examples: [
    'paas routes:remove wiki.example.com',
    'paas routes:remove wiki.example.com http://10.0.0.6:8080',
  ],
  access: 'admin',
  app: 'none',
  args: {
    host: z.string().min(1).max(1024).describe('host name, as `routes:list` has it'),
    // Other programs write what `routes:add` would refuse.
    backends: z
      .array(z.string().min(1, 'name a backend as `routes:list` has it'))
      .default([])
      .describe('backends to take out; none named, the whole route goes'),
  },
  /** With the backends that are left; none: the route is gone. */
  result: Route,
  run: ({ args }, { platform, identity }) => removeRoute(platform, args, identityName(identity)),
  render: ({ host, backends }) =>
    backends.length === 0 ? `${host} has no route any more.\n` : `${host} goes to ${backends.join(', ')}.\n`,
})
