import { z } from 'zod'

/** The schema below optional, default and the like: what the words of a command line are. */
function core(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) return core(schema.in as z.ZodType)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return core(schema.unwrap() as z.ZodType)
  }
  return schema
}

export const isSwitch = (schema: z.ZodType): boolean => core(schema) instanceof z.ZodBoolean
export const isRepeated = (schema: z.ZodType): boolean => core(schema) instanceof z.ZodArray
export const isOptional = (schema: z.ZodType): boolean => schema.safeParse(undefined).success

/** `keepData` → `keep-data`. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** A number of things, from 0. */
export const count = z
  .string()
  .regex(/^\d{1,6}$/, 'give a whole number, at most 999999')
  .transform(Number)

/** A number with or without a fraction, as `0.5`. */
export const decimal = z
  .string()
  .regex(/^\d{1,9}(?:\.\d{1,3})?$/, 'give a number')
  .transform(Number)

/** `v12` or `12`. */
export const version = z
  .string()
  .regex(/^v?[1-9]\d{0,8}$/, 'a release is named v12, or 12')
  .transform((text) => Number(text.replace('v', '')))

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** A time in the past: `30s`, `10m`, `2h`, `7d` ago, or an ISO 8601 time. Resolved when it is known what now is. */
export const moment = z.string().transform((text, context): ((now: Date) => Date) => {
  const ago = /^(\d{1,9})([smhd])$/.exec(text)
  if (ago !== null) {
    const ms = Number(ago[1]) * unitSeconds[ago[2] as keyof typeof unitSeconds] * 1000
    return (now) => new Date(now.getTime() - ms)
  }
  const time = Date.parse(text)
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(time)) return () => new Date(time)
  context.addIssue('give how long ago (30s, 10m, 2h, 7d) or a time (2026-11-20T15:04:05Z)')
  return z.NEVER
})
