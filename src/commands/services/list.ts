import { z } from 'zod'
import { appsOf } from '../../services/destroy.ts'
import { stateOf, states } from '../../services/state.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { mayTouch } from './context.ts'

export const servicesList = defineCommand({
  name: 'services:list',
  aliases: ['services'],
  summary: 'list the services',
  examples: ['paas services:list', 'paas services:list -a blog --json'],
  whenEmpty: 'There are no services yet: paas services:create KIND NAME',
  access: 'read',
  app: 'optional',
  result: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      version: z.string(),
      state: z.enum(states),
      apps: z.array(z.string()),
    }),
  ),
  async run({ app }, { platform, identity }) {
    const { services } = platform.store
    const found = await (app === undefined ? services.list() : services.ofApp(app.id))
    const shown = await Promise.all(
      found.map(async (service) => {
        if (!(await mayTouch(identity, service, platform))) return undefined
        const { name, kind, current } = service
        const apps = (await appsOf(service, platform)).map((one) => one.name)
        return { name, kind, version: current.version, state: await stateOf(service, platform), apps }
      }),
    )
    return shown.filter((one) => one !== undefined)
  },
  render: (services) =>
    table(
      services.map(({ name, kind, version, state, apps }) => [
        name,
        `${kind} ${version}`,
        state,
        apps.join(', '),
      ]),
    ),
})
