import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { authorise } from '../../../src/api/authorise.ts'
import { type CommandContext } from '../../../src/commands/define.ts'
import { runCommandLine } from '../../../src/commands/program.ts'
import { commands } from '../../../src/commands/registry.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { shellWords } from '../../../src/lib/shell-words.ts'
import { type Access, accessLevels, type Identity } from '../../../src/model/key.ts'
import { AppName } from '../../../src/model/names.ts'

function holder(name: string, role: Access, apps?: string[]): [string, Identity] {
  const scope = apps && { apps: apps.map((app) => AppName.parse(app)) }
  const key = { id: 'k000000000000000', name, fingerprint: '', publicKey: '', role, createdAt: '', ...scope }
  return [name, { via: 'ssh', key }]
}

const people: [string, Identity][] = [
  ['root', { via: 'root' }],
  ...accessLevels.map((role) => holder(`${role} of all apps`, role)),
  ...accessLevels.map((role) => holder(`${role} of this app`, role, ['blog', 'other'])),
  ...accessLevels.map((role) => holder(`${role} of another app`, role, ['shop'])),
]

/** Stands for "this went on to run". */
class Allowed extends Error {}

/** Gives a command line, and stops where it has been authorised. */
async function attempt(argv: string[], identity: Identity): Promise<'allowed' | 'forbidden'> {
  const context = {
    identity,
    signal: new AbortController().signal,
    io: {
      stdin: () => Readable.from([]),
      stdout: () => Promise.resolve(),
      stderr: () => Promise.resolve(),
      terminal: { tty: { stdin: false, stdout: false, stderr: false }, columns: 80, rows: 24, color: false },
    },
    // Reaching it before being authorised fails the test.
    platform: undefined,
  } as unknown as CommandContext
  try {
    await runCommandLine(commands, argv, context, (...asked) => {
      authorise(...asked)
      throw new Allowed()
    })
  } catch (error) {
    if (error instanceof Allowed) return 'allowed'
    if (error instanceof PaasError && error.code === 'FORBIDDEN') return 'forbidden'
    throw error
  }
  throw new Error(`${argv.join(' ')} ran without asking who is asking`)
}

function expected(identity: Identity, access: Access, namesApp: boolean): 'allowed' | 'forbidden' {
  if (identity.via === 'root') return 'allowed'
  const { role, apps } = identity.key
  const enough = accessLevels.indexOf(role) >= accessLevels.indexOf(access)
  if (!enough) return 'forbidden'
  if (apps === undefined) return 'allowed'
  if (namesApp) return apps.some((app) => app === 'blog') ? 'allowed' : 'forbidden'
  return access === 'read' ? 'allowed' : 'forbidden'
}

describe.each(commands.map((command) => [command.name, command] as const))('%s', (name, command) => {
  it.each(people)('by %s', async (_who, identity) => {
    const example = command.examples.find((line) => / (?:-a|--app) /.test(line)) ?? command.examples[0]
    const [, ...words] = shellWords(example.replaceAll('~', '').replace(/ [<>|].*$/, ''))
    const app = words.findIndex((word) => word === '-a' || word === '--app')
    if (app >= 0) words[app + 1] = 'blog'
    // Where an app is required, one is named: with the flag, or `blog` in front.
    const namesApp = command.app === 'required' || (app >= 0 && command.app !== 'none')
    expect([name, ...(command.aliases ?? [])]).toContain(words[0])
    expect(await attempt(words, identity)).toBe(expected(identity, command.access, namesApp))
  })
})
