import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { commands } from '../../../src/commands/registry.ts'

const root = join(import.meta.dirname, '../../..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).map((path) => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}))

test('links between the docs lead to a file', () => {
  const broken = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!.replace(/#.*$/, ''))
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(path), target)))
      .map((target) => `${path} → ${target}`),
  )
  expect(broken).toEqual([])
})

test('the guides name commands that there are', () => {
  const names = new Set(commands.flatMap(({ name, aliases = [] }) => [name, ...aliases, name.split(':')[0]!]))
  // What is not a command of the controller: help, programs of their own, and kinds of services.
  const other =
    /^(?:help|serve|router|upgrade|postgres|redis|valkey|mysql|mariadb|mongo|memcached|rabbitmq|[A-Z-].*)(?::|$)/
  const unknown = pages
    .filter(({ path }) => !path.startsWith('docs/commands/') && !path.startsWith('docs/decisions/'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^(?:sudo )?paas ([a-z][a-z:-]*)/gm), ...text.matchAll(/`paas ([a-z][a-z:-]*)/g)]
        .map(([, name]) => name!)
        .filter((name) => !names.has(name) && !other.test(name))
        .map((name) => `${path}: paas ${name}`),
    )
  expect(unknown).toEqual([])
})
