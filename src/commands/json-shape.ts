import { type z } from 'zod'

type Schema = z.core.JSONSchema.BaseSchema
/** Where JSON Schema allows `true` for anything and `false` for nothing. */
type AnySchema = z.core.JSONSchema._JSONSchema | undefined

/** A JSON Schema (2020-12) as a type that people can read: `{ name: string, value: string | null }`. */
export function jsonShape(schema: Schema, indent = ''): string {
  return [...new Set(choicesOf(schema, indent))].join(' | ')
}

function choicesOf(schema: Schema, indent: string): string[] {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return choices.map((choice) => nested(choice, indent))
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value))
  if (schema.const !== undefined) return [JSON.stringify(schema.const)]
  const types = schema.type === undefined ? ['unknown'] : ([schema.type].flat() as string[])
  return types.map((type) => typeShape(type, schema, indent))
}

function typeShape(type: string, schema: Schema, indent: string): string {
  if (type === 'array') {
    const item = nested(Array.isArray(schema.items) ? undefined : schema.items, indent)
    return item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
  }
  if (type === 'object') return objectShape(schema, indent)
  return type === 'integer' ? 'number' : type
}

function objectShape({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  const deeper = `${indent}  `
  if (properties === undefined) return `Record<string, ${nested(additionalProperties, deeper)}>`
  const lines = Object.entries(properties).map(
    ([name, schema]) => `${deeper}${name}${required.includes(name) ? '' : '?'}: ${nested(schema, deeper)}\n`,
  )
  return `{\n${lines.join('')}${indent}}`
}

const nested = (schema: AnySchema, indent: string): string =>
  typeof schema === 'object' ? jsonShape(schema, indent) : 'unknown'
