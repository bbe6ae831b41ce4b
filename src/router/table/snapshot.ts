import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { type RouteOptions, type RouteTable, TableRoute } from './route-table.ts'

const Header = z.object({
  format: z.literal('paas-routes-1'),
  version: z.int().min(0),
  /** Which Redis it is of; older files do not say. */
  source: z.string().optional(),
  /** How many routes follow; older files do not say. */
  routes: z.int().optional(),
})
const List = z.array(z.string()).min(2)
/** How a host shares its traffic, on a line of its own after the lists, where an older reader passes it over. */
const Options = z.object({
  host: z.string(),
  options: z.object({
    balance: z.enum(['least', 'random']),
    weights: z.array(z.number()),
    sticky: z.boolean(),
    maxInFlight: z.number().optional(),
  }),
})
const suffix = randomBytes(6).toString('hex')
/** Lines written before others have a turn. */
const slice = 2000

/**
 * Writes the table, one JSON list [host, identifier, backend, …] per line after a header, then the options of the
 * hosts that have some, beside the file and then in its place: a reader finds the old table or the new one.
 */
export async function writeSnapshot(
  path: string,
  { version, source }: { version: number; source: string },
  table: RouteTable,
): Promise<void> {
  // Whoever tidies /tmp up may have taken it away.
  await mkdir(dirname(path), { recursive: true })
  // A name that nobody can have put a link at, and the same each time, as complaints about it are.
  const temporary = `${path}.${suffix}.tmp`
  try {
    await using file = await open(temporary, 'wx', 0o640)
    await fill(file, { version, source }, table)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function fill(
  file: FileHandle,
  about: { version: number; source: string },
  table: RouteTable,
): Promise<void> {
  const routes = [...table.routes()].filter((route) => route.readable)
  let text = `${JSON.stringify({ format: 'paas-routes-1', ...about, routes: routes.length })}\n`
  let lines = 0
  // Not `write`, which on a full disk writes a part and is content.
  for (const line of linesOf(routes)) {
    text += `${JSON.stringify(line)}\n`
    lines += 1
    if (lines % slice === 0) {
      await file.appendFile(text)
      text = ''
    }
  }
  await file.appendFile(text)
  await file.sync()
}

function* linesOf(routes: TableRoute[]): Generator<z.input<typeof List> | z.input<typeof Options>> {
  for (const { host, identifier, urls } of routes) yield [host, identifier, ...urls]
  for (const { host, options } of routes) if (options !== undefined) yield { host, options }
}

export type Snapshot = {
  version: number
  /** All of its routes could be read. */
  whole: boolean
}

/** Fills the table with what can be read; resolves to undefined when there is no snapshot, or one of another Redis. */
export async function readSnapshot(
  path: string,
  source: string,
  table: RouteTable,
): Promise<Snapshot | undefined> {
  let text: string
  try {
    // A pipe would be waited for.
    if (!(await stat(path)).isFile()) return undefined
    text = await readFile(path, 'utf8')
  } catch {
    return undefined
  }
  const [first = '', ...lines] = text.split('\n')
  const header = Header.safeParse(parseJson(first))
  if (!header.success || (header.data.source ?? source) !== source) return undefined
  let read = 0
  for (const line of lines) {
    const value = parseJson(line)
    const list = List.safeParse(value)
    if (list.success) {
      table.set(new TableRoute(list.data[0]!, list.data.slice(1), undefined))
      read += 1
      continue
    }
    const { data } = Options.safeParse(value)
    if (data === undefined) continue
    const route = table.get(data.host)
    if (route === undefined) continue
    const options: RouteOptions = { ...data.options, maxInFlight: data.options.maxInFlight }
    table.set(new TableRoute(route.host, [route.identifier, ...route.urls], options))
  }
  return { version: header.data.version, whole: read === (header.data.routes ?? read) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
