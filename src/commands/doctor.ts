import { z } from 'zod'
import { checkup } from '../health/checkup.ts'
import { defineCommand } from './define.ts'
import { table } from './render.ts'

export const doctor = defineCommand({
  name: 'doctor',
  topic: 'server',
  summary: 'look at every part of the server',
  description:
    'Names each part, its version, how it is, and what to do where it is not well. Exits with 1 if anything is not.',
  examples: ['paas doctor', 'paas doctor --json'],
  access: 'admin',
  app: 'none',
  result: z.object({
    healthy: z.boolean(),
    parts: z.array(
      z.object({
        name: z.string(),
        version: z.string().nullable(),
        healthy: z.boolean(),
        finding: z.string(),
        /** What to do; null where there is nothing. On a healthy part it is a warning. */
        fix: z.string().nullable(),
      }),
    ),
  }),
  async run(_input, { platform }) {
    const parts = await checkup(platform)
    return {
      healthy: parts.every(({ healthy }) => healthy),
      parts: parts.map(({ name, version, healthy, finding, fix }) => ({
        name,
        version: version ?? null,
        healthy,
        finding,
        fix: fix ?? null,
      })),
    }
  },
  render({ parts }) {
    const rows = parts.map(({ name, version, healthy, finding, fix }) => [
      healthy ? (fix === null ? 'ok' : '! ') : '!!',
      name,
      version ?? '',
      finding,
    ])
    const fixes = parts.flatMap(({ name, fix }) => (fix === null ? [] : [` !     ${name}: ${fix}\n`]))
    return `${table(rows)}${fixes.length === 0 ? '' : '\n'}${fixes.join('')}`
  },
  exitCode: ({ healthy }) => (healthy ? 0 : 1),
})
