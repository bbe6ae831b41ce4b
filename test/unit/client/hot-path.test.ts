import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

/** Everything that a module loads before it runs, itself included; type imports are gone by then. */
function loaded(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const source = readFileSync(file, 'utf8')
  for (const [, names, from] of source.matchAll(/^(?:import|export) ([\w{},*\s]+?) from '([^']+)'/gm)) {
    if (names!.startsWith('type ')) continue
    if (from!.startsWith('.')) loaded(join(dirname(file), from!), seen)
    else seen.add(from!)
  }
  return seen
}

// A command on the server costs little more than starting Node: what is not on its way is imported where it is used.
it('a command on the server loads a few small files and nothing heavy', () => {
  const all = [...loaded(join(import.meta.dirname, '../../../src/main/client.ts'))]
  const files = all.filter((name) => name.startsWith('/'))
  expect(all.filter((name) => !name.startsWith('/')).sort()).toEqual([
    'node:fs',
    'node:net',
    'node:path',
    'node:stream',
    'node:tty',
  ])
  expect(files.length).toBeLessThanOrEqual(12)
})
