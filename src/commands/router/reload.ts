import { z } from 'zod'
import { reloadRouter } from '../../router/control.ts'
import { defineCommand } from '../define.ts'

export const routerReload = defineCommand({
  name: 'router:reload',
  summary: 'replace the workers of the router without losing a request',
  description:
    'Starts new workers, and lets the old ones finish what they have: requests, and WebSockets for up to 30 s. Takes new ' +
    'code into use.',
  examples: ['paas router:reload'],
  access: 'admin',
  app: 'none',
  result: z.object({ workers: z.int() }),
  run: (_input, { platform }) => reloadRouter(platform.paths.routerSocket),
  render: ({ workers }) => `${workers} new ${workers === 1 ? 'worker serves' : 'workers serve'}.\n`,
})
