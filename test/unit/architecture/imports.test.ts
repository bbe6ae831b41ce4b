import { describe, expect, test } from 'vitest'
import { type Import, readSources } from './imports.ts'
import { laws, narrow, soleUsers } from './law.ts'

const sources = readSources()
const byPath = new Map(sources.map((source) => [source.path, source]))
const folderOf = (path: string): string => path.split('/')[0]!

test('the parser sees imports of every kind', () => {
  const client = byPath.get('main/client.ts')!.imports
  expect(client).toContainEqual(expect.objectContaining({ to: 'client/local.ts', typeOnly: false }))
  const define = byPath.get('commands/define.ts')!.imports
  expect(define).toContainEqual(expect.objectContaining({ to: 'zod', external: true, typeOnly: true }))
  expect(define).toContainEqual(expect.objectContaining({ to: 'apps/platform.ts', typeOnly: true }))
  expect(sources.length).toBeGreaterThan(100)
})

test('every folder has a law', () => {
  const folders = new Set(sources.map(({ path }) => folderOf(path)).filter((folder) => folder !== 'main'))
  expect([...folders].filter((folder) => !(folder in laws))).toEqual([])
})

describe('imports point down', () => {
  test.each(Object.keys(laws))('%s', (folder) => {
    const imports = sources
      .filter(({ path }) => folderOf(path) === folder)
      .flatMap((source) => source.imports)
    expect(imports.filter((found) => !isAllowed(folder, found)).map(show)).toEqual([])
  })
})

function isAllowed(folder: string, { from, to, external, typeOnly }: Import): boolean {
  const target = external ? to : folderOf(to)
  if (to.startsWith('node:') || (!external && target === folder)) return true
  const { values, types = [] } = laws[folder]!
  if (external && typeOnly && values.concat(types).includes(target)) return true
  if (soleUsers[target]?.test(from) === false) return false
  if (narrow[folder]?.[target]?.test(to) === false) return typeOnly && types.includes(target)
  return values.includes(target) || (typeOnly && types.includes(target))
}

const show = ({ from, to, typeOnly }: Import): string => `${from} → ${to}${typeOnly ? ' (types)' : ''}`

test('what runs as the client loads nothing heavy', () => {
  const seen = reachable('main/client.ts')
  expect([...seen].filter((path) => !/^(?:main|client|errors|lib)\/|^api\/wire\.ts$/.test(path))).toEqual([])
  const packages = [...seen].flatMap((path) =>
    byPath
      .get(path)!
      .imports.filter(({ external, typeOnly, to }) => external && !typeOnly && !to.startsWith('node:')),
  )
  expect(packages.map(show)).toEqual([])
})

test('the router does not load what the controller is made of', () => {
  const heavy = [...reachable('main/router.ts')].filter((path) =>
    /^(?:docker|commands|client|deploy|apps)\//.test(path),
  )
  expect(heavy).toEqual([])
})

/** Files that are loaded, sooner or later, when this one is. */
function reachable(start: string, seen = new Set<string>()): Set<string> {
  if (seen.has(start)) return seen
  seen.add(start)
  for (const { to, external, typeOnly } of byPath.get(start)?.imports ?? []) {
    if (!external && !typeOnly && byPath.has(to)) reachable(to, seen)
  }
  return seen
}

test('no imports go in a circle', () => {
  expect(cycles()).toEqual([])
})

/** Circles of values; two types that name each other are none when it runs. */
function cycles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: string[]): void => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(' → '))
    if (done.has(path)) return
    done.add(path)
    for (const { to, external, typeOnly } of byPath.get(path)?.imports ?? []) {
      if (!external && !typeOnly) visit(to, [...way, path])
    }
  }
  for (const { path } of sources) visit(path, [])
  return found
}

test('imports of our own have their extension and their file', () => {
  const own = sources.flatMap(({ imports }) => imports).filter(({ external }) => !external)
  expect(own.filter(({ to }) => !byPath.has(to) && !to.endsWith('.json')).map(show)).toEqual([])
})

test('no file is a drawer for everything', () => {
  const drawers =
    /(?:^|\/)(?:utils?|helpers?|common|misc|managers?)(?:\/|\.ts$)|(?:-|^)(?:manager|helper|utils?)\.ts$/
  expect(sources.map(({ path }) => path).filter((path) => drawers.test(path))).toEqual([])
})

test('no file is over 400 lines', () => {
  expect(sources.filter(({ lines }) => lines > 400).map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
})

test('no command is run through a shell', () => {
  const shells = sources.flatMap(({ imports }) =>
    imports.filter(
      ({ to, names }) => to === 'node:child_process' && names.some((name) => /^exec(?:Sync)?$/.test(name)),
    ),
  )
  expect(shells.map(show)).toEqual([])
})
