import { z } from 'zod'

/** The schema below optional, default and the like. */
function core(schema: z.ZodType): z.ZodType {
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

/** `v12` or `12`. */
export const version = z
  .string()
  .regex(/^v?[1-9]\d{0,8}$/, 'a release is named v12, or 12')
  .transform((text) => Number(text.replace('v', '')))
