import { describe, expect, test } from 'vitest'
import { insteadOf, insteads } from '../../../src/commands/other-names.ts'
import { commands } from '../../../src/commands/registry.ts'
import { spellOut } from '../../../src/commands/services/spelling.ts'

describe('what people know from elsewhere', () => {
  const known = new Set(commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]))
  test.each(insteads)('%s: every command in it is there', (text) => {
    for (const [, name] of text.matchAll(/(?<!add )paas ([a-z]+(?::[a-z-]+)*)/g)) {
      const [word] = spellOut([name!], (one) => known.has(one))
      expect(known, name).toContain(word)
    }
  })

  test('is asked by its name, or by its topic', () => {
    expect(insteadOf('addons:attach')).toContain('services:create')
    expect(insteadOf('certs')).toContain('TLS')
    expect(insteadOf('nonsense')).toBeUndefined()
    expect(insteadOf('constructor')).toBeUndefined()
  })

  test('is no command of ours', () => {
    for (const name of known) expect(insteadOf(name), name).toBeUndefined()
  })
})
