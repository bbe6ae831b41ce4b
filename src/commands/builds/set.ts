import { z } from 'zod'
import { refuseBeyondMachine } from '../../deploy/machine.ts'
import { Settings } from '../../model/settings.ts'
import { defineCommand } from '../define.ts'
import { bytes, details } from '../render.ts'

const units = { m: 1024 ** 2, g: 1024 ** 3 } as const

export const buildsSet = defineCommand({
  name: 'builds:set',
  summary: 'set how many builds run at once, and what they may use',
  description:
    'Sets how many builds run at once on the server, more wait, how long one may take, and what all of them may use ' +
    'together: memory, and cores, which without a limit are those that live apps leave. Without a flag it shows what ' +
    'is set.',
  examples: ['paas builds:set --concurrency 1', 'paas builds:set --memory 4g --cpus 1.5', 'paas builds:set'],
  access: 'admin',
  app: 'none',
  flags: {
    concurrency: z
      .string()
      .transform(Number)
      .pipe(Settings.shape.buildConcurrency.unwrap())
      .optional()
      .describe('builds at once, 1 to 64')
      .meta({ value: 'number' }),
    timeout: z
      .string()
      .transform(Number)
      .pipe(Settings.shape.buildMinutes.unwrap())
      .optional()
      .describe('minutes after which a build is given up, 1 to 1440')
      .meta({ value: 'minutes' }),
    memory: z
      .string()
      .regex(/^[1-9]\d{0,5}[mg]$/, 'give an amount as 512m or 4g')
      .transform((text) => Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units])
      .refine((bytes) => Settings.shape.buildMemoryBytes.safeParse(bytes).success, 'give at least 256m')
      .optional()
      .describe('what all builds may use together, as 4g; at least 256m')
      .meta({ value: 'bytes' }),
    cpus: z
      .union(
        [z.literal('all'), z.string().transform(Number).pipe(Settings.shape.buildCpus.unwrap())],
        'give a number of cores, or all',
      )
      .optional()
      .describe('cores of all builds together, as 1.5; all takes the limit away')
      .meta({ value: 'number' }),
  },
  result: z.object({
    buildConcurrency: z.int(),
    buildMinutes: z.int(),
    buildMemoryBytes: z.int(),
    /** null: what live apps leave. */
    buildCpus: z.number().nullable(),
  }),
  async run({ flags: { concurrency, timeout, memory, cpus } }, { platform }) {
    await refuseBeyondMachine({ memoryBytes: memory, cpus: cpus === 'all' ? undefined : cpus }, platform)
    const { settings } = platform.store
    const changed = { ...(await settings.get()) }
    if (concurrency !== undefined) changed.buildConcurrency = concurrency
    if (timeout !== undefined) changed.buildMinutes = timeout
    if (memory !== undefined) changed.buildMemoryBytes = memory
    if (cpus === 'all') delete changed.buildCpus
    else if (cpus !== undefined) changed.buildCpus = cpus
    if ([concurrency, timeout, memory, cpus].some((flag) => flag !== undefined)) await settings.save(changed)
    const { buildConcurrency, buildMinutes, buildMemoryBytes, buildCpus } = changed
    return { buildConcurrency, buildMinutes, buildMemoryBytes, buildCpus: buildCpus ?? null }
  },
  render: ({ buildConcurrency, buildMinutes, buildMemoryBytes, buildCpus }) =>
    details('builds', {
      'at once': String(buildConcurrency),
      'given up after': `${buildMinutes} min`,
      memory: bytes(buildMemoryBytes),
      cores: buildCpus === null ? 'what live apps leave' : String(buildCpus),
    }),
})
