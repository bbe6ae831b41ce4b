import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { commands } from '../../../src/commands/registry.ts'
import { completionScript } from '../../../src/commands/shell-completion.ts'

const folder = mkdtempSync(join(tmpdir(), 'paas-completion-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'paas'), `#!/bin/sh\n[ "$1" = apps:list ] && printf 'blog\\nshop\\n'\n`)
chmodSync(join(folder, 'paas'), 0o755)
writeFileSync(join(folder, 'bash'), completionScript('bash', commands))

/** What a real bash offers when Tab is pressed at the end of the line. */
function offered(line: string): string[] {
  const script = `source ${join(folder, 'bash')}
COMP_LINE=$1 COMP_POINT=\${#1}; _paas; printf '%s\\n' "\${COMPREPLY[@]}"`
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` }
  const out = execFileSync('bash', ['--norc', '-c', script, 'bash', line], { env }).toString()
  return out.split('\n').filter((word) => word !== '')
}

describe('the bash script', () => {
  it('offers every command and alias', () => {
    const all = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases])
    expect(offered('paas ')).toEqual([...all, 'help'])
    expect(offered('paas help ')).toContain('apps:create')
  })

  it('completes after a colon, at which bash splits', () => {
    expect(offered('paas keys:')).toEqual(['list', 'add', 'remove'])
    expect(offered('paas apps:cr')).toEqual(['create'])
    expect(offered('paas apps:create')).toEqual(['create'])
  })

  it('offers the flags of the command, and the apps', () => {
    expect(offered('paas keys:add --')).toEqual(['--role', '--apps', '--json', '--help'])
    expect(offered('paas apps:destroy --c')).toEqual(['--confirm'])
    expect(offered('paas ps -a ')).toEqual(['blog', 'shop'])
    expect(offered('paas ps --app s')).toEqual(['shop'])
    expect(offered('paas keys:add name ')).toEqual([])
  })
})

describe('the zsh script', () => {
  it('names every command with its summary, colons escaped', () => {
    const script = completionScript('zsh', commands)
    for (const { name, summary } of commands) {
      expect(script).toContain(`${name.replaceAll(':', '\\:')}:${summary.replaceAll("'", `'\\''`)}`)
    }
    expect(script.startsWith('#compdef paas\n')).toBe(true)
  })
})
