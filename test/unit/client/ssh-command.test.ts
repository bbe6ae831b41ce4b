import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSshCommand } from '../../../src/client/ssh-command.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { AppName } from '../../../src/model/names.ts'

describe('parseSshCommand', () => {
  it.each([
    "git-receive-pack 'blog'",
    "git-receive-pack '/blog'",
    'git-receive-pack blog',
    "git-receive-pack 'blog.git'",
    "git-receive-pack '/blog.git'",
  ])('%s pushes to blog', (line) => {
    expect(parseSshCommand(line)).toEqual({ kind: 'git', service: 'git-receive-pack', app: 'blog' })
  })

  it('passes a command line on as words', () => {
    expect(parseSshCommand(`config:set -a blog 'A=b c'`)).toEqual({
      kind: 'command',
      argv: ['config:set', '-a', 'blog', 'A=b c'],
    })
    expect(parseSshCommand('')).toEqual({ kind: 'command', argv: [] })
    expect(parseSshCommand('paas-wire-1')).toEqual({ kind: 'wire' })
  })

  it('grants git only on what is an app name, whatever is asked', () => {
    const path = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc
        .array(
          fc.constantFrom('blog', '/', '.', '..', '.git', '~', '-', "'", ' ', '%2e', '--upload-pack=x', 'А'),
          { maxLength: 5 },
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(
        fc.constantFrom('git-receive-pack', 'git-upload-pack', 'git-upload-archive'),
        path,
        (service, app) => {
          let command
          try {
            command = parseSshCommand(`${service} ${app}`)
          } catch (error) {
            if (error instanceof PaasError && error.exitCode === 4 && !error.message.includes('\n')) return
            throw error
          }
          // `git-receive-packblog` and the like are words of their own, which the controller refuses.
          if (command.kind === 'git') expect(AppName.safeParse(command.app).success).toBe(true)
          else expect(command).toMatchObject({ kind: 'command' })
        },
      ),
      { numRuns: 1000 },
    )
  })
})
