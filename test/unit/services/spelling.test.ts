import { expect, test } from 'vitest'
import { spellOut } from '../../../src/commands/services/spelling.ts'

const known = (name: string): boolean => ['services:create', 'services:info'].includes(name)

test.each([
  [
    ['postgres:create', 'db1'],
    ['services:create', 'postgres', 'db1'],
  ],
  [
    ['mysql:create', 'db1', '--memory', '1g'],
    ['services:create', 'mariadb', 'db1', '--memory', '1g'],
  ],
  [
    ['valkey:info', 'c1'],
    ['services:info', 'c1'],
  ],
  [
    ['postgres:create', '--help'],
    ['services:create', '--help'],
  ],
  [
    ['postgres:fly', 'db1'],
    ['postgres:fly', 'db1'],
  ],
  [
    ['services:create', 'postgres', 'db1'],
    ['services:create', 'postgres', 'db1'],
  ],
  [
    ['storage:list', 'blog'],
    ['storage:list', '-a', 'blog'],
  ],
  [
    ['storage:mount', '-a', 'blog', 'a:/b'],
    ['storage:mount', '-a', 'blog', 'a:/b'],
  ],
  [
    ['storage:mount', 'a:/b', '--app=blog'],
    ['storage:mount', 'a:/b', '--app=blog'],
  ],
  [
    ['git:from-image', 'blog', 'ghost:5'],
    ['git:from-image', '-a', 'blog', 'ghost:5'],
  ],
  [['apps:list'], ['apps:list']],
  [[], []],
])('%j is %j', (typed, meant) => {
  expect(spellOut(typed, known)).toEqual(meant)
})
