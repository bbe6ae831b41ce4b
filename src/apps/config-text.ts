import { parseEnv } from 'node:util'
import { PaasError } from '../errors/paas-error.ts'
import { shellQuote } from '../lib/shell-words.ts'
import { ConfigName } from '../model/names.ts'

export const configFormats = ['dotenv', 'shell', 'json'] as const
export type ConfigFormat = (typeof configFormats)[number]

/** Config as text, sorted by name: for `.env` files, for `eval` in a shell, or JSON. */
export function writeConfig(values: Record<string, string>, format: ConfigFormat): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  switch (format) {
    case 'json':
      return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`
    case 'shell':
      return sorted.map(([name, value]) => `export ${name}=${shellQuote(value)}\n`).join('')
    case 'dotenv':
      return sorted.map(([name, value]) => `${name}=${quoted(name, value)}\n`).join('')
  }
}

/** A value as node:util's parseEnv reads it back; it knows three kinds of quotes and hardly an escape. */
function quoted(name: string, value: string): string {
  const quote = ["'", '`', '"'].find(
    (mark) => !value.includes(mark) && (mark !== '"' || !value.includes('\\')),
  )
  if (quote !== undefined && !value.includes('\r')) return `${quote}${value}${quote}`
  throw new PaasError('INVALID_INPUT', `The value of ${name} cannot be written into a .env file.`, {
    hint: 'JSON holds anything: --format json',
  })
}

/** Reads what writeConfig writes, JSON or dotenv, whichever it is. Throws INVALID_INPUT, without repeating values. */
export function readConfig(input: string): Record<ConfigName, string> {
  const text = input.replace(/^\uFEFF/, '')
  const values = text.trimStart().startsWith('{') ? readJson(text) : readDotenv(text)
  const read: Record<ConfigName, string> = {}
  for (const [name, value] of Object.entries(values)) {
    const parsed = ConfigName.safeParse(name)
    if (!parsed.success) {
      throw new PaasError('INVALID_INPUT', `A name cannot be used: ${parsed.error.issues[0]!.message}.`)
    }
    read[parsed.data] = value ?? ''
  }
  return read
}

/** parseEnv passes over what it does not understand, and a line that is garbled would be a var that is gone. */
function readDotenv(text: string): NodeJS.Dict<string> {
  let rest = text
  const line = (): number => text.slice(0, text.length - rest.length).split('\n').length
  for (;;) {
    rest = rest.replace(/^(?:[ \t]*(?:#[^\n]*)?\r?\n)+/, '')
    if (/^\s*(?:#[^\n]*)?$/.test(rest)) return parseEnv(text)
    const [start] = /^[ \t]*(?:export[ \t]+)?[^\s=#'"`]+[ \t]*=[ \t]*/.exec(rest) ?? []
    if (start === undefined) throw new PaasError('INVALID_INPUT', `Line ${line()} is not NAME=value.`)
    const quote = /^['"`]/.exec(rest.slice(start.length))?.[0]
    const from = start.length + 1
    const end = quote === undefined ? start.length : rest.indexOf(quote, from)
    if (end === -1) {
      throw new PaasError('INVALID_INPUT', `Line ${line()} begins a quoted value that does not end.`)
    }
    const next = rest.indexOf('\n', end)
    rest = next === -1 ? '' : rest.slice(next + 1)
  }
}

function readJson(text: string): Record<string, string> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new PaasError('INVALID_INPUT', 'This begins as JSON does, but is none.', { cause })
  }
  const values = Object.entries(parsed as object)
  const wrong = values.find(([, value]) => typeof value !== 'string')
  if (wrong === undefined) return Object.fromEntries(values as [string, string][])
  throw new PaasError(
    'INVALID_INPUT',
    `The value of ${JSON.stringify(wrong[0].slice(0, 64))} is not a string.`,
  )
}
