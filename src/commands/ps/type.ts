import { z } from 'zod'
import { cronType } from '../../cron/run.ts'
import { refuseBeyondMachine } from '../../deploy/machine.ts'
import { deployTasks } from '../../deploy/task.ts'
import { reshape } from '../../deploy/reshape.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { own } from '../../lib/own.ts'
import { type App, Limits } from '../../model/app.ts'
import { ProcessType } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { decimal } from '../fields.ts'
import { deployContext } from '../deploying.ts'
import { bytes, table } from '../render.ts'

const amount = (schema: z.ZodNumber) => decimal.pipe(schema).optional()

export const psType = defineCommand({
  name: 'ps:type',
  aliases: ['ps:resize'],
  summary: 'set what containers of a process type may use',
  description:
    'Sets memory (512m, 1g), cores, weight and processes of each container of a type, as one new release. What is not ' +
    'set is 512 MiB, all cores, 1024 and 1024. type=default takes all back. Without arguments it shows what is set. ' +
    'The types run, release and cron-NAME are those of one-offs, release tasks and cron.',
  examples: [
    'paas ps:type -a blog web=512m worker=1g',
    'paas ps:type -a blog web --cpus 0.5 --cpu-shares 512 --pids 200',
    'paas ps:type -a blog',
  ],
  access: 'deploy',
  app: 'required',
  args: { types: z.array(z.string()).default([]).describe('type=memory, or a type') },
  flags: {
    cpus: amount(Limits.shape.cpus.unwrap())
      .describe('cores of each container, as 0.5')
      .meta({ value: 'number' }),
    cpuShares: amount(Limits.shape.cpuShares.unwrap())
      .describe('weight where cores are scarce')
      .meta({ value: 'number' }),
    pids: amount(Limits.shape.pids.unwrap())
      .describe('processes and threads of each container')
      .meta({ value: 'number' }),
  },
  result: z.object({
    app: z.string(),
    release: z.int().nullable(),
    limits: z.record(z.string(), Limits),
  }),
  async run({ app, args, flags }, context) {
    const wanted = args.types.map(parseType)
    const common = {
      ...(flags.cpus !== undefined && { cpus: flags.cpus }),
      ...(flags.cpuShares !== undefined && { cpuShares: flags.cpuShares }),
      ...(flags.pids !== undefined && { pids: flags.pids }),
    }
    const problem = unclear(wanted, Object.keys(common).length > 0)
    if (problem !== undefined) {
      throw new PaasError('INVALID_INPUT', problem, { hint: 'See paas help ps:type.' })
    }
    if (wanted.length === 0) return { app: app.name, release: null, limits: app.limits ?? {} }
    for (const { limits } of wanted) await refuseBeyondMachine({ ...common, ...limits }, context.platform)
    const change = (current: Pick<App, 'limits'>): NonNullable<App['limits']> => {
      const limits = { ...current.limits }
      for (const { type, limits: given } of wanted) {
        if (given === undefined) Reflect.deleteProperty(limits, type)
        else limits[type] = { ...limits[type], ...common, ...given }
      }
      return limits
    }
    const types = [...new Set(wanted.map(({ type }) => type))]
    // Limits of a type that is gone from the Procfile can still be taken back.
    const isLeftOver = (type: ProcessType): boolean =>
      own(app.limits ?? {}, type) !== undefined && wanted.every((one) => one.type !== type || !one.limits)
    const done = await reshape(
      app,
      {
        verb: 'ps:type',
        description: `Set limits of ${types.join(', ')}`,
        types: types.filter((type) => !isLeftOver(type)),
        others: ({ cron = [] }) => ['run', ...deployTasks, ...cron.map(({ name }) => cronType(name))],
        change: (current) => ({ limits: change(current) }),
      },
      deployContext(context),
    )
    return {
      app: app.name,
      release: done.outcome === 'live' ? done.release : null,
      limits: change(app),
    }
  },
  render: ({ limits }) =>
    table([
      ['TYPE', 'MEMORY', 'CPUS', 'SHARES', 'PIDS'],
      ...Object.entries(limits).map(([type, { memoryBytes, cpus, cpuShares, pids }]) => [
        type,
        memoryBytes === undefined ? 'default' : bytes(memoryBytes),
        String(cpus ?? 'all'),
        String(cpuShares ?? 'default'),
        String(pids ?? 'default'),
      ]),
    ]),
})

type Wanted = { type: ProcessType; limits: Limits | undefined }

/** What is wrong with the words taken together. */
function unclear(wanted: Wanted[], hasFlags: boolean): string | undefined {
  if (wanted.length === 0 && hasFlags) return 'Name the process types, too.'
  for (const { type, limits } of wanted) {
    if (limits === undefined && hasFlags) return `${type}=default takes all back, so no flag goes with it.`
    if (limits !== undefined && limits.memoryBytes === undefined && !hasFlags) {
      return `Say what ${type} may use: ${type}=512m, or a flag.`
    }
  }
  return undefined
}

const units = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const

/** `web=512m`, `web`, or `web=default`, whose limits are undefined. */
function parseType(word: string): Wanted {
  const [, name = '', , size] = /^([^=]*)(=(.*))?$/.exec(word) ?? []
  const type = ProcessType.safeParse(name)
  const memory = /^(\d{1,6})([kmg])b?$/i.exec(size ?? '')
  const given = memory && Number(memory[1]) * units[memory[2]!.toLowerCase() as keyof typeof units]
  const limits = Limits.safeParse(given === null ? {} : { memoryBytes: given })
  if (type.success && size === 'default') return { type: type.data, limits: undefined }
  if (type.success && limits.success && (size === undefined || given !== null)) {
    return { type: type.data, limits: limits.data }
  }
  throw new PaasError(
    'INVALID_INPUT',
    `${JSON.stringify(word.slice(0, 64))} is not type=memory, of at least 16m.`,
    {
      hint: 'For example: paas ps:type -a blog web=512m',
    },
  )
}
