import { buffer } from 'node:stream/consumers'
import { PaasError } from '../../errors/paas-error.ts'
import { ConfigName } from '../../model/names.ts'
import { type CommandIo } from '../define.ts'

/**
 * `NAME=value` pairs; everything after the first `=` is the value, to the byte. `NAME=@file` reads it from a file of
 * the caller's and `NAME=@-` from stdin, without a line break at its end; `@@` stands for one @. What is wrong is
 * told by its place: a value that lost its name must not be repeated.
 */
export async function readPairs(pairs: string[], io: CommandIo): Promise<Record<ConfigName, string>> {
  const parsed = pairs.map(parsePair)
  const fromFiles = parsed.filter(([, value]) => isFile(value))
  if (fromFiles.length > 1) {
    throw new PaasError('INVALID_INPUT', 'One value at a time comes from a file or stdin.', {
      hint: 'Several at once: paas config:import FILE',
    })
  }
  const read: Record<ConfigName, string> = {}
  for (const [name, value] of parsed) {
    read[name] = isFile(value)
      ? (await utf8Of(value.slice(1), io)).replace(/\r?\n$/, '')
      : value.replace(/^@@/, '@')
  }
  return read
}

/** The text of a file of the caller's, to the byte. Throws INVALID_INPUT for what is not UTF-8: none of it can be kept. */
export async function utf8Of(path: string, io: Pick<CommandIo, 'file'>): Promise<string> {
  const bytes = await buffer(io.file(path))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    const what = path === '-' ? 'What came on stdin' : `The file ${JSON.stringify(path)}`
    throw new PaasError('INVALID_INPUT', `${what} is not UTF-8 text, and a config var is nothing else.`, {
      hint: 'Encode it first: base64 < FILE | paas config:set -a APP NAME=@-',
      cause,
    })
  }
}

const isFile = (value: string): boolean => /^@[^@]/.test(value)

function parsePair(pair: string, index: number): [ConfigName, string] {
  const at = pair.indexOf('=')
  const name = ConfigName.safeParse(pair.slice(0, Math.max(at, 0)))
  if (at !== -1 && name.success) return [name.data, pair.slice(at + 1)]
  const problem = at === -1 || name.success ? 'it has no =' : name.error.issues[0]!.message
  throw new PaasError('INVALID_INPUT', `Pair ${index + 1} is not NAME=value: ${problem}.`, {
    hint: 'For example: paas config:set -a blog LOG_LEVEL=debug. A value with spaces goes in quotes.',
  })
}
