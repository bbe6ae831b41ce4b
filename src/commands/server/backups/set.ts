import { z } from 'zod'
import { defineCommand } from '../../define.ts'

const Keep = z
  .string()
  .regex(/^[1-9]\d{0,3}h(?:,\d{1,4}d)?$/, 'give hours and days, as 24h,7d')
  .transform((text) => {
    const [hours, days = '0d'] = text.split(',') as [string, string | undefined]
    return { hours: Number.parseInt(hours, 10), days: Number.parseInt(days, 10) }
  })
  .refine(({ hours, days }) => hours <= 8760 && days <= 3660, 'at most 8760h,3660d')

export const serverBackupsSet = defineCommand({
  name: 'server:backups:set',
  summary: 'set how long backups of the state stay',
  description:
    'Of the backups that are made by themselves, the newest of each hour and day stays. Without a flag it shows how many.',
  examples: ['paas server:backups:set --keep 24h,7d', 'paas server:backups:set --keep 48h,30d'],
  access: 'admin',
  app: 'none',
  flags: { keep: Keep.optional().describe('hours and days, as 24h,7d').meta({ value: 'times' }) },
  result: z.object({ hours: z.int(), days: z.int() }),
  async run({ flags: { keep } }, { platform: { store } }) {
    const settings = await store.settings.get()
    if (keep !== undefined) await store.settings.save({ ...settings, keepStateBackups: keep })
    return keep ?? settings.keepStateBackups
  },
  render: ({ hours, days }) => `One of each of the last ${hours} hours and ${days} days stays.\n`,
})
