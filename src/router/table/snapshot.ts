import { open, readFile, rename } from 'node:fs/promises'
import { z } from 'zod'
import { type RouteTable, TableRoute } from './route-table.ts'

const Header = z.object({
  format: z.literal('paas-routes-1'),
  version: z.int().min(0),
  /** How many routes follow; older files do not say. */
  routes: z.int().optional(),
})
const List = z.array(z.string()).min(2)
/** Lines written before others have a turn. */
const slice = 2000

/**
 * Writes the table, one JSON list [host, identifier, backend, …] per line after a header, beside the file and
 * then in its place: a reader finds the old table or the new one.
 */
export async function writeSnapshot(path: string, version: number, table: RouteTable): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o640)
  try {
    const routes = [...table.routes()].filter((route) => route.readable)
    let text = `${JSON.stringify({ format: 'paas-routes-1', version, routes: routes.length })}\n`
    let lines = 0
    for (const route of routes) {
      text += `${JSON.stringify([route.host, route.identifier, ...route.urls])}\n`
      lines += 1
      if (lines % slice === 0) {
        await file.write(text)
        text = ''
      }
    }
    await file.write(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

export type Snapshot = {
  version: number
  /** All of its routes could be read. */
  whole: boolean
}

/** Fills the table with what can be read; resolves to undefined when there is no snapshot. */
export async function readSnapshot(path: string, table: RouteTable): Promise<Snapshot | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch {
    return undefined
  }
  const [first = '', ...lines] = text.split('\n')
  const header = Header.safeParse(parseJson(first))
  if (!header.success) return undefined
  let read = 0
  for (const line of lines) {
    const list = List.safeParse(parseJson(line))
    if (!list.success) continue
    table.set(new TableRoute(list.data[0]!, list.data.slice(1), undefined))
    read += 1
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
