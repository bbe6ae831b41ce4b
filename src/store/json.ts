import { type z } from 'zod'
import { PaasError } from '../errors/paas-error.ts'

/** Reads a stored JSON value through its schema; what does not parse is corrupt state, named by its key. */
export function parseStored<T extends z.ZodType>(schema: T, key: string, text: string): z.output<T> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PaasError('STATE_CORRUPT', `The stored value ${key} is not JSON.`, { cause })
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    throw new PaasError('STATE_CORRUPT', `The stored value ${key} has an unknown shape.`, {
      cause: parsed.error,
    })
  }
  return parsed.data
}

/** A value as it is stored. What could not be read again must not be written: that throws, and is a defect. */
export function toStored<T extends z.ZodType>(schema: T, value: z.output<T>): string {
  const { error: cause } = schema.safeParse(value)
  if (cause === undefined) return JSON.stringify(value)
  const [issue] = cause.issues
  throw new PaasError('INTERNAL', `Nothing was stored: ${issue!.path.join('.')}: ${issue!.message}.`, {
    hint: 'This is a defect of paas.',
    cause,
  })
}
