import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { instancePaths } from '../../../src/lib/paths.ts'
import { mustRun } from '../../support/process.ts'
import { type TestInstance } from '../../support/test-instance.ts'
import { appJson } from './command-lines.ts'

/** Somebody who pushes test/apps/static-site again and again, each time with one line changed. */
export async function pusher(instance: TestInstance) {
  const app = 'pushed'
  const { launcher, etc } = instancePaths(instance.root)
  const folder = await mkdtemp(join(tmpdir(), 'paas-density-'))
  const source = join(folder, 'app')
  const key = join(folder, 'key')
  const spareKey = join(folder, 'spare-key')
  const known = join(folder, 'known')
  const ssh = ['-F', 'none', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', `UserKnownHostsFile=${known}`]
  const who = { GIT_AUTHOR_NAME: 'bench', GIT_AUTHOR_EMAIL: 'bench@example.com' }
  const env: NodeJS.ProcessEnv = {
    ...{ PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...who },
    ...{ GIT_COMMITTER_NAME: who.GIT_AUTHOR_NAME, GIT_COMMITTER_EMAIL: who.GIT_AUTHOR_EMAIL },
    GIT_SSH_COMMAND: ['ssh', ...ssh].join(' '),
  }
  const git = (...args: string[]): Promise<string> => mustRun('git', args, { cwd: source, env })

  await cp(join(import.meta.dirname, '../../apps/static-site'), source, { recursive: true })
  await writeFile(join(source, 'app.json'), appJson)
  for (const file of [key, spareKey])
    await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  const hostKey = await mustRun('ssh-keygen', ['-y', '-f', join(etc, 'ssh_host_ed25519_key')])
  await writeFile(known, `[127.0.0.1]:${instance.sshPort} ${hostKey}`)
  await mustRun(launcher, ['keys:add', app, `${key}.pub`, '--role', 'manage'])
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'paas', `ssh://${instance.user}@127.0.0.1:${instance.sshPort}/${app}`)
  let change = 0
  return {
    app,
    source,
    spareKey,
    async deploy(): Promise<void> {
      await writeFile(join(source, 'changed.txt'), `${change++}\n`)
      await git('add', '--all')
      await git('commit', '--quiet', '--message', 'change')
      await git('push', '--quiet', 'paas', 'main')
    },
    remove: (): Promise<void> => rm(folder, { recursive: true, force: true }),
  }
}

/** One request through the router on a connection of its own; resolves to its status. */
export function ask(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = get(
      { host: '127.0.0.1', port, headers: { host }, agent: false, timeout: 10_000 },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode!))
        response.once('error', reject)
      },
    )
    sent.once('timeout', () => sent.destroy(new Error('no answer')))
    sent.once('error', reject)
  })
}
