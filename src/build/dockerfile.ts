import { PaasError } from '../errors/paas-error.ts'
import { literal } from '../lib/regexp.ts'

/** One instruction of a Dockerfile, its continuation lines joined. */
export type Instruction = {
  /** Upper case: FROM, RUN, COPY. */
  name: string
  /** Flags such as `--from=build`, in order. */
  flags: string[]
  /** The rest, as written. */
  rest: string
  /** 1-based line where it starts. */
  line: number
}

/**
 * Reads a Dockerfile into instructions (Docker's reference: comments, continuation, ONBUILD).
 * A here-document's body is read as instructions too: those who check must see more than Docker runs, not less.
 */
export function parseDockerfile(text: string, escape = escapesOf(text)[0] ?? '\\'): Instruction[] {
  const continued = new RegExp(`${literal(escape)}[ \\t]*$`)
  const instructions: Instruction[] = []
  let joined = ''
  let start = 0
  linesOf(text).forEach((line, index) => {
    // Comments and empty lines inside a continued instruction do not end it.
    if (/^\s*#/.test(line) || (joined !== '' && line.trim() === '')) return
    if (joined === '') start = index + 1
    if (continued.test(line)) {
      joined += `${line.replace(continued, '')} `
      return
    }
    const whole = (joined + line).trim()
    joined = ''
    if (whole !== '') instructions.push(...instructionsOf(whole, start))
  })
  if (joined.trim() !== '') instructions.push(...instructionsOf(joined.trim(), start))
  return instructions
}

const linesOf = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .split('\n')

/** The escape characters that a builder could read the file with; which comments count differs by version. */
function escapesOf(text: string): string[] {
  return /^[ \t]*#[ \t]*escape[ \t]*=[ \t]*`/im.test(text) ? ['`', '\\'] : ['\\']
}

function instructionsOf(whole: string, line: number): Instruction[] {
  const match = /^(\S+)\s*([\s\S]*)$/.exec(whole)
  const name = (match?.[1] ?? '').toUpperCase()
  const { flags, rest } = splitFlags(match?.[2] ?? '')
  const one = { name, flags, rest, line }
  return name === 'ONBUILD' ? [one, ...instructionsOf(rest, line)] : [one]
}

/** Flags end at white space outside quotes; quotes and escapes are removed, as BuildKit's parser does. */
function splitFlags(text: string): { flags: string[]; rest: string } {
  const flags: string[] = []
  let rest = text.trimStart()
  while (rest.startsWith('--')) {
    const word = /^(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|\\.|[^\s"'])+/s.exec(rest)?.[0] ?? rest
    flags.push(word.replace(/["']|\\(?=.)/gs, ''))
    rest = rest.slice(word.length).trimStart()
  }
  return { flags, rest: rest.trim() }
}

/** Names of stages, lower case, in order; unnamed ones are their number. */
export function stagesOf(instructions: readonly Instruction[]): string[] {
  return instructions
    .filter(({ name }) => name === 'FROM')
    .map(({ rest }, index) => / as\s+(\S+)\s*$/i.exec(rest)?.[1]?.toLowerCase() ?? String(index))
}

const publicImages = /^paas\/(base|node):[\w.-]+$/

/**
 * Refuses a Dockerfile that reaches into other apps: images of our namespace and bare image ids, in FROM,
 * `COPY --from` and `RUN --mount`; and frontends (`# syntax=`) other than Docker's own.
 */
export function checkDockerfile(text: string, buildArgs: Readonly<Record<string, string>>): void {
  checkFrontend(text)
  const delimiters = text.matchAll(/<<-?[ \t]*["']?([^\s"'<]*)/g)
  if (delimiters.some(([, delimiter = '']) => /[\\`]/.test(delimiter)))
    throw new PaasError('SOURCE_REFUSED', 'Dockerfile: a here-document ends in an escape character.')
  for (const escape of escapesOf(text)) checkInstructions(parseDockerfile(text, escape), buildArgs)
}

function checkInstructions(
  instructions: readonly Instruction[],
  buildArgs: Readonly<Record<string, string>>,
): void {
  const names = stagesOf(instructions)
  if (names.length === 0)
    throw new PaasError('SOURCE_REFUSED', 'Dockerfile: there is no FROM.', {
      hint: 'Start it with: FROM paas/base:trixie',
    })
  // FROM sees the arguments before the first FROM only, other instructions name images literally.
  const globals = new Map(Object.entries(platformArgs))
  const stages = new Set<string>()
  let count = 0
  for (const instruction of instructions) {
    const isFrom = instruction.name === 'FROM'
    if (instruction.name === 'ARG' && count === 0) declare(instruction, globals, buildArgs)
    for (const image of imagesOf(instruction)) {
      const expanded = isFrom
        ? expand(image, globals, instruction.line)
        : plain(image, image, instruction.line)
      if (!isStage(expanded, stages)) checkImage(expanded, `Dockerfile line ${instruction.line}`)
    }
    if (isFrom) {
      // A stage is known by its number too.
      stages.add(String(count)).add(names[count] ?? '')
      count++
    }
  }
}

const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'
/** The arguments that BuildKit gives to every FROM. */
const platformArgs: Record<string, string> = {
  TARGETPLATFORM: `linux/${arch}`,
  TARGETOS: 'linux',
  TARGETARCH: arch,
  BUILDPLATFORM: `linux/${arch}`,
  BUILDOS: 'linux',
  BUILDARCH: arch,
}

const isStage = (name: string, stages: ReadonlySet<string>): boolean => stages.has(name.toLowerCase())

function imagesOf({ name, flags, rest }: Instruction): string[] {
  const values = (key: string): string[] =>
    flags.flatMap((one) => (one.toLowerCase().startsWith(`--${key}=`) ? [one.slice(key.length + 3)] : []))
  const mounted = values('mount')
    .flatMap((mount) => mount.split(','))
    .flatMap((field) => (/^\s*from=/i.test(field) ? [field.trim().slice('from='.length)] : []))
  const from = name === 'FROM' ? [rest.split(/\s+/)[0] ?? ''] : []
  return [...values('from'), ...mounted, ...from]
}

function declare(arg: Instruction, args: Map<string, string>, given: Readonly<Record<string, string>>): void {
  for (const [, key = '', value] of arg.rest.matchAll(/(\w+)(?:=("[^"]*"|'[^']*'|\S*))?/g)) {
    const fallback = value === undefined ? '' : expand(value, args, arg.line)
    args.set(key, given[key] ?? fallback)
  }
}

/** `$X`, `${X}`, `${X:-word}`, `${X:+word}`; a form that is not known is refused rather than guessed. */
function expand(text: string, args: ReadonlyMap<string, string>, line: number): string {
  const unquoted = text.replace(/^(["'])(.*)\1$/, '$2')
  const expanded = unquoted.replace(
    /\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^${}]*))?\})/g,
    (_, bare: string | undefined, braced: string | undefined, operator?: string, word: string = '') => {
      const value = args.get(bare ?? braced ?? '') ?? ''
      if (operator === ':-' || operator === '-') return value === '' ? word : value
      if (operator === ':+' || operator === '+') return value === '' ? '' : word
      return value
    },
  )
  return plain(expanded, text, line)
}

function plain(image: string, written: string, line: number): string {
  if (!/[$\\`"']/.test(image)) return image
  throw new PaasError(
    'SOURCE_REFUSED',
    `Dockerfile line ${line}: cannot tell which image ${JSON.stringify(written)} is.`,
  )
}

/** The same for an image that is named elsewhere than in a Dockerfile. */
export function checkImageName(image: string, what: 'The base' | 'The image'): void {
  checkImage(image, what)
}

function checkImage(image: string, where: string): void {
  const name = image
    .toLowerCase()
    .replace(/^(?:(?:index\.|registry-1\.)?docker\.io|registry\.hub\.docker\.com)\//, '')
  if (publicImages.test(name)) return
  if (name === 'scratch') return
  if (name.startsWith('paas/'))
    throw new PaasError(
      'FORBIDDEN',
      `${where}: ${image} is an image of another app or service, which a build cannot use.`,
      { hint: 'The stack images are there for builds: FROM paas/base:trixie or FROM paas/node:26' },
    )
  if (/^(?:sha256:)?[0-9a-f]+$/.test(name) || /^[0-9a-f]{12,}@/.test(name))
    throw new PaasError(
      'FORBIDDEN',
      `${where}: ${JSON.stringify(image)} reads as an image id, and a build names images by name.`,
      { hint: `If it is an image of Docker Hub: docker.io/library/${image}` },
    )
}

function checkFrontend(text: string): void {
  const lines = linesOf(text)
  const end = lines.findIndex((line) => !/^\s*(?:#|\/\/|$)/.test(line))
  const leading = end === -1 ? lines : lines.slice(0, end)
  const syntax = leading
    .map((line) => /^\s*(?:#|\/\/)\s*syntax\s*=\s*(\S+)/i.exec(line)?.[1])
    .find((found) => found !== undefined)
  if (
    syntax !== undefined &&
    !/^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?::[\w.-]+)?$/.test(syntax)
  )
    throw new PaasError('FORBIDDEN', `Dockerfile: the frontend ${syntax} cannot be used.`, {
      hint: 'Remove the line that starts with # syntax=',
    })
}

/**
 * Makes a Dockerfile ours: cache mounts belong to one app only (`scope` goes into their id, and a mount with no
 * id is known by its target), and `# syntax=` goes, because the engine's own frontend needs no registry.
 */
export function scopeDockerfile(text: string, scope: string): string {
  return text
    .replace(/^(\uFEFF?(?:[ \t]*#[^\n]*\n)*?)[ \t]*(?:#|\/\/)[ \t]*syntax[ \t]*=[^\n]*\n/i, '$1')
    .replace(/--mount=(\S+)/g, (mount, fields: string) => {
      const parts = fields.replace(/^(["'])(.*)\1$/, '$2').split(',')
      if (!parts.some((part) => /^["']?type=cache["']?$/i.test(part))) return mount
      const value = (key: RegExp): string | undefined =>
        parts
          .find((part) => key.test(part))
          ?.replace(key, '')
          .replace(/["']/g, '')
      const id = value(/^["']?id=/i) ?? value(/^["']?(?:target|dst|destination)=/i) ?? 'cache'
      const others = parts.filter((part) => !/^["']?id=/i.test(part))
      return `--mount=${[...others, `id=paas-${scope}-${id.replace(/[^\w.-]+/g, '-')}`].join(',')}`
    })
}

/**
 * What a final stage says about running: the port it exposes and whether it has a command of its own. Throws
 * SOURCE_REFUSED where there is no stage `target`.
 */
export function runtimeOf(text: string, target: string | undefined): { port?: number; starts: boolean } {
  const instructions = parseDockerfile(text).filter(({ name }) => name !== 'ONBUILD')
  const stages = stagesOf(instructions)
  const wanted = target === undefined ? stages.length - 1 : stages.indexOf(target.toLowerCase())
  if (wanted === -1)
    throw new PaasError('SOURCE_REFUSED', `Dockerfile: there is no stage ${JSON.stringify(target)}.`, {
      hint: `There are: ${stages.join(', ')}. Which one is built is set with: paas dockerfile:set`,
    })
  let stage = -1
  let port: number | undefined
  let starts = false
  for (const { name, rest } of instructions) {
    if (name === 'FROM') stage++
    if (stage !== wanted) continue
    if (name === 'EXPOSE') port ??= Number(/^(\d+)(?:\/tcp)?(?:\s|$)/.exec(rest)?.[1]) || undefined
    if (name === 'CMD' || name === 'ENTRYPOINT') starts = true
  }
  return { starts, ...(port !== undefined && { port }) }
}
