import { z } from 'zod'
import { formationOf } from '../deploy/formation.ts'
import { scale as scaleApp } from '../deploy/scale.ts'
import { liveRelease } from '../deploy/turn.ts'
import { PaasError } from '../errors/paas-error.ts'
import { Formation } from '../model/app.ts'
import { ProcessType } from '../model/names.ts'
import { defineCommand } from './define.ts'
import { deployContext } from './deploying.ts'
import { table } from './render.ts'

const mostContainers = 100

export const scale = defineCommand({
  name: 'scale',
  topic: 'ps',
  aliases: ['ps:scale', 'apps:scale'],
  summary: 'set how many containers of a process type run',
  description:
    'Sets how many containers of each process type run; 0 stops it. New ones get traffic when all of them are ' +
    'healthy; if one is not, everything stays as it was. Without arguments it shows what is set.',
  examples: ['paas scale -a blog web=2 worker=1', 'paas scale -a blog'],
  access: 'deploy',
  app: 'required',
  args: { quantities: z.array(z.string()).default([]).describe('type=quantity') },
  result: z.object({ app: z.string(), formation: Formation }),
  async run({ app, args }, context) {
    const change = Object.fromEntries(args.quantities.map(parseQuantity))
    const scaled = args.quantities.length === 0 ? app : await scaleApp(app, change, deployContext(context))
    const release = await liveRelease(context, scaled)
    return { app: app.name, formation: formationOf(scaled, release?.image) }
  },
  render: ({ formation }) =>
    table(Object.entries(formation).map(([type, quantity]) => [`${type}:`, String(quantity)])),
})

function parseQuantity(pair: string): [ProcessType, number] {
  const [, name, quantity] = /^([^=]*)=(\d{1,4})$/.exec(pair) ?? []
  const type = ProcessType.safeParse(name)
  if (!type.success || Number(quantity) > mostContainers) {
    throw new PaasError(
      'INVALID_INPUT',
      `${JSON.stringify(pair.slice(0, 64))} is not type=quantity, with a quantity of 0 to ${mostContainers}.`,
      { hint: 'For example: paas scale -a blog web=2 worker=1' },
    )
  }
  return [type.data, Number(quantity)]
}
