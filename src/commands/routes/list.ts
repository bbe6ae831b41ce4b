import { z } from 'zod'
import { listRoutes } from '../../apps/routes.ts'
import { Route } from '../../model/route.ts'
import { defineCommand } from '../define.ts'
import { printable, table } from '../render.ts'

export const routesList = defineCommand({
  name: 'routes:list',
  aliases: ['routes'],
  summary: 'list every host and its backends',
  description:
    "Shows the router's table as Redis has it (frontend:<host>, as Hipache's users know it): routes of apps, and those " +
    'that were added by hand.',
  examples: ['paas routes:list', 'paas routes:list --json'],
  whenEmpty: 'There are no routes yet.',
  access: 'admin',
  app: 'none',
  result: z.array(
    z.object({
      ...Route.shape,
      /** The app that the host belongs to; null: a route of its own. */
      app: z.string().nullable(),
    }),
  ),
  run: (_input, { platform }) => listRoutes(platform),
  render: (routes) =>
    table(
      routes.map(({ host, identifier, app, backends }) =>
        [host, app ?? `${identifier} (by hand)`, backends.join(' ')].map(printable),
      ),
    ),
})
