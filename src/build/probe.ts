import { parse as parseToml } from 'smol-toml'
import { z } from 'zod'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { literal } from '../lib/regexp.ts'
import { parseJson } from './app-json.ts'
import { type Source } from './source.ts'

const regex = z.string().refine((pattern) => {
  try {
    new RegExp(pattern, 'm')
    return true
  } catch {
    return false
  }
}, 'is not a regular expression')

/**
 * A question about a source, written as data in a buildpack.json. Its answer is a text, or nothing:
 * - `exists`: a path of the tree; `*` stands for a part of a name, and `$1`, `$2`… in `value` for what it was
 * - `file` + `match`: group 1 (or all) of the first match in a root file's text, line by line; `files`: in the first
 *   of several that has one
 * - `json` or `toml` + `at`: the value at a dotted path; a list counts as its items, a line each
 * - only `value`: always that
 * `match` narrows, `value` replaces the answer, `if` and `unless` ask further probes.
 */
export type Probe = {
  exists?: string | undefined
  file?: string | undefined
  files?: string[] | undefined
  json?: string | undefined
  toml?: string | undefined
  at?: string | undefined
  match?: string | undefined
  value?: string | undefined
  if?: Probe[] | undefined
  unless?: Probe[] | undefined
}

export const Probe: z.ZodType<Probe> = z
  .strictObject({
    exists: z.string().optional(),
    file: z.string().optional(),
    files: z.array(z.string()).min(1).optional(),
    json: z.string().optional(),
    toml: z.string().optional(),
    at: z.string().optional(),
    match: regex.optional(),
    value: z.string().optional(),
    get if() {
      return z.array(Probe).optional()
    },
    get unless() {
      return z.array(Probe).optional()
    },
  })
  .refine(
    (p) => [p.exists, p.file, p.files, p.json, p.toml].filter((one) => one !== undefined).length <= 1,
    'a probe asks one of exists, file, files, json, toml',
  )

export type Answer = {
  text: string
  /** What was found, for people: `package.json engines.node`. */
  why: string
}

/** The first answer of several probes. */
export function firstAnswer(source: Source, probes: readonly Probe[]): Answer | undefined {
  for (const probe of probes) {
    const answer = ask(source, probe)
    if (answer !== undefined) return answer
  }
  return undefined
}

/** Asks one probe; pure, and the same source always gives the same answer. */
export function ask(source: Source, probe: Probe): Answer | undefined {
  const { files, ...rest } = probe
  if (files !== undefined)
    return firstAnswer(
      source,
      files.map((file) => ({ ...rest, file })),
    )
  if ((probe.if ?? []).some((condition) => ask(source, condition) === undefined)) return undefined
  if ((probe.unless ?? []).some((condition) => ask(source, condition) !== undefined)) return undefined
  if (probe.exists !== undefined) return existing(source, probe.exists, probe.value)
  const found = textOf(source, probe)
  if (found === undefined) return undefined
  const text = probe.match === undefined ? found.text : firstMatch(found.text, probe.match)
  return text === undefined ? undefined : { text: probe.value ?? text, why: found.why }
}

function existing(source: Source, glob: string, value: string | undefined): Answer | undefined {
  const pattern = globPattern(glob)
  for (const { path } of source.entries) {
    const match = pattern.exec(path)
    if (match === null) continue
    const text = value?.replace(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? '') ?? path
    return { text, why: path }
  }
  return undefined
}

/** `*` is a part of a name, `**` any path; each is a group. */
export const globPattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .split(/(\*+)/)
      .map((part) => (part === '*' ? '([^/]*)' : part === '**' ? '(.*)' : literal(part)))
      .join('')}$`,
  )

function textOf(source: Source, probe: Probe): Answer | undefined {
  if (probe.file !== undefined) {
    const text = source.text(probe.file)
    return text === undefined ? undefined : { text: text.trim(), why: probe.file }
  }
  const file = probe.json ?? probe.toml
  if (file === undefined) return { text: '', why: 'always' }
  const raw = source.text(file)
  if (raw === undefined) return undefined
  const document = probe.json === undefined ? tomlOf(raw, file) : parseJson(raw, file)
  const text = scalar(at(document, probe.at))
  return text === undefined
    ? undefined
    : { text, why: `${file}${probe.at === undefined ? '' : ` ${probe.at}`}` }
}

function tomlOf(text: string, file: string): unknown {
  try {
    return parseToml(text)
  } catch (error) {
    throw new PaasError('SOURCE_REFUSED', `${file} is not valid TOML: ${messageOf(error).trim()}`, {
      hint: `Correct ${file}, commit and push again.`,
    })
  }
}

function at(document: unknown, path: string | undefined): unknown {
  let value = document
  for (const key of path === undefined ? [] : path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function scalar(value: unknown): string | undefined {
  if (value === undefined || value === null || value === false) return undefined
  if (Array.isArray(value)) return value.map((item) => scalar(item) ?? '').join('\n')
  if (typeof value === 'object') return Object.keys(value).join('\n')
  return typeof value === 'string' ? value.trim() : JSON.stringify(value)
}

/** Characters of a text that are searched: what matters stands early, and a pattern may be slow. */
const searched = 64 * 1024

function firstMatch(text: string, pattern: string): string | undefined {
  const match = new RegExp(pattern, 'm').exec(text.slice(0, searched))
  return match === null ? undefined : (match[1] ?? match[0])
}
