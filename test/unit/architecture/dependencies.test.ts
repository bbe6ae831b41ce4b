import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSources } from './imports.ts'

const root = join(import.meta.dirname, '../../..')
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}
const names = Object.keys(dependencies)

/** `@grpc/grpc-js` of `@grpc/grpc-js/build/…`. */
const packageOf = (to: string): string =>
  to
    .split('/')
    .slice(0, to.startsWith('@') ? 2 : 1)
    .join('/')

const used = new Set(
  readSources().flatMap(({ imports }) =>
    imports.flatMap(({ to, external }) => (external && !to.startsWith('node:') ? [packageOf(to)] : [])),
  ),
)

test('every runtime dependency is used, and all that is used is one', () => {
  expect([...used].sort()).toEqual([...names].sort())
})

test('every runtime dependency has its reason in docs/decisions/dependencies.md, and no other has', () => {
  const page = readFileSync(join(root, 'docs/decisions/dependencies.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const explained = rows.flatMap((line) =>
    [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  )
  expect(explained.sort()).toEqual([...names].sort())
})
