import { z } from 'zod'
import { sizeOf, stateOf, states } from '../../services/state.ts'
import { datastoreOf } from '../../services/registry.ts'
import { defineCommand } from '../define.ts'
import { details } from '../render.ts'
import { serviceOf } from './context.ts'
import { bytes, name } from './fields.ts'

export const servicesInfo = defineCommand({
  name: 'services:info',
  summary: 'show a service',
  description: 'Shows a service and who uses it; credentials are in `paas services:credentials`.',
  examples: ['paas services:info db1', 'paas services:info db1 --json'],
  access: 'read',
  app: 'none',
  args: { name },
  result: z.object({
    name: z.string(),
    kind: z.string(),
    version: z.string(),
    image: z.string(),
    state: z.enum(states),
    host: z.string(),
    port: z.int(),
    memoryBytes: z.int(),
    dataBytes: z.int().nullable(),
    settings: z.record(z.string(), z.string()),
    exposed: z.string().nullable(),
    schedule: z.string().nullable(),
    unconfirmedUpgradeFrom: z.string().nullable(),
    links: z.array(z.object({ app: z.string(), variables: z.array(z.string()), ownDatabase: z.boolean() })),
    createdAt: z.string(),
    createdBy: z.string(),
  }),
  async run({ args }, context) {
    const { platform } = context
    const service = await serviceOf(args.name, context)
    const { exposed, current, previous } = service
    const schedule = await platform.store.backups.schedules.get(service.id)
    const links = await Promise.all(
      service.links.map(async ({ app: id, names, own }) => {
        const app = await platform.store.apps.get(id)
        return app === undefined ? [] : [{ app: app.name, variables: names, ownDatabase: own !== undefined }]
      }),
    )
    return {
      name: service.name,
      kind: service.kind,
      version: current.version,
      image: current.image,
      state: await stateOf(service, platform),
      host: service.host,
      port: datastoreOf(service).port,
      memoryBytes: service.memoryBytes,
      dataBytes: (await sizeOf(service, platform)) ?? null,
      settings: service.settings,
      exposed: exposed === undefined ? null : `${exposed.address}:${exposed.port}`,
      schedule: schedule === undefined ? null : schedule.cron,
      unconfirmedUpgradeFrom: previous === undefined ? null : previous.version,
      links: links.flat(),
      createdAt: service.createdAt,
      createdBy: service.createdBy,
    }
  },
  render: (service) =>
    details(service.name, {
      kind: `${service.kind} ${service.version}`,
      state: service.state,
      image: service.image,
      address: `${service.host}:${service.port}, for linked apps`,
      exposed: service.exposed ?? undefined,
      memory: bytes(service.memoryBytes),
      data: service.dataBytes === null ? undefined : bytes(service.dataBytes),
      settings:
        Object.entries(service.settings)
          .map(([key, value]) => `${key}=${value}`)
          .join(' ') || undefined,
      backups: service.schedule ?? undefined,
      upgraded:
        service.unconfirmedUpgradeFrom === null
          ? undefined
          : `from ${service.unconfirmedUpgradeFrom}, not confirmed`,
      created: `${service.createdAt} by ${service.createdBy}`,
      links:
        service.links
          .map(
            ({ app, variables, ownDatabase }) =>
              `${app} (${variables.join(', ')}${ownDatabase ? ', own database' : ''})`,
          )
          .join(', ') || 'none',
    }),
})
