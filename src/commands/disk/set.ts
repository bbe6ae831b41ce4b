import { z } from 'zod'
import { keepImageBudget } from '../../deploy/image-budget.ts'
import { defineCommand } from '../define.ts'
import { bytes } from '../render.ts'

const units = { m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const

export const diskSet = defineCommand({
  name: 'disk:set',
  topic: 'server',
  summary: 'set how many bytes the images of all apps may use',
  description:
    'Sets a budget for the images of apps. Beyond it, the oldest releases lose theirs, in all apps alike; the live one ' +
    'and the one before it never do. It is looked at now and after every push.',
  examples: ['paas disk:set --image-budget 20g', 'paas disk:set --image-budget none'],
  access: 'admin',
  app: 'none',
  flags: {
    imageBudget: z
      .string()
      .regex(/^(?:[1-9]\d{0,5}[mgt]|none)$/, 'give an amount as 500m, 20g or 1t, or none')
      .transform((text) =>
        text === 'none' ? undefined : Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units],
      )
      .describe('20g, or none')
      .meta({ value: 'bytes' }),
  },
  result: z.object({ imageBudgetBytes: z.int().nullable(), removed: z.array(z.string()) }),
  async run({ flags }, { platform }) {
    const { settings } = platform.store
    const changed = { ...(await settings.get()) }
    delete changed.imageBudgetBytes
    if (flags.imageBudget !== undefined) changed.imageBudgetBytes = flags.imageBudget
    await settings.save(changed)
    return { imageBudgetBytes: flags.imageBudget ?? null, removed: await keepImageBudget(platform) }
  },
  render: ({ imageBudgetBytes, removed }) =>
    `Images of apps may use ${imageBudgetBytes === null ? 'what they need' : bytes(imageBudgetBytes)}; removed: ${removed.length}.\n`,
})
