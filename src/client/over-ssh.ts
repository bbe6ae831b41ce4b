import { spawn } from 'node:child_process'
import { wireCommand } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { shellWords } from '../lib/shell-words.ts'
import { relay } from './relay.ts'
import { ownSources } from './sources.ts'
import type { Server } from './remote-url.ts'
import { findServer, gitOutput } from './remote.ts'
import { terminalFacts } from './terminal.ts'

/**
 * Runs a command line on the server that this folder's git remote, or PAAS_HOST, names. The request travels as
 * frames through ssh, so that no argument meets a shell. Resolves with the exit code.
 */
export async function runOverSsh(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { remote, argv: line } = await findServer(argv, env)
  const [program, ...options] = await sshProgram(env)
  const ssh = spawn(program!, [...options, ...sshArguments(remote)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise<number | null>((resolve, reject) =>
    ssh.once('error', reject).once('exit', resolve),
  )
  const code = await Promise.race([
    relay(
      { input: ssh.stdout, output: ssh.stdin, close: () => void ssh.stdin.end() },
      { kind: 'command', argv: line, terminal: terminalFacts() },
      ownSources,
    ),
    exited.then(
      () => new Promise<never>(() => undefined),
      (cause: unknown) => {
        throw new PaasError('SSH_FAILED', `The program ${program!} could not be started.`, { cause })
      },
    ),
  ])
  if (code !== undefined) return code
  const { host, port } = remote
  throw new PaasError('SSH_FAILED', `The connection to ${host} ended (ssh: ${(await exited) ?? 'killed'}).`, {
    hint: `What ssh says by itself: ssh ${port === undefined ? '' : `-p ${port} `}${remote.user}@${host}`,
  })
}

function sshArguments({ user, host, port }: Server): string[] {
  return ['-T', ...(port === undefined ? [] : ['-p', String(port)]), '--', `${user}@${host}`, wireCommand]
}

/** ssh as git would run it, so that a key or a jump host that is set for pushes serves here too. */
async function sshProgram(env: NodeJS.ProcessEnv): Promise<string[]> {
  const line = env['GIT_SSH_COMMAND'] ?? (await gitOutput(['config', 'core.sshCommand']))
  if (line !== undefined && line !== '') return shellWords(line)
  return [env['GIT_SSH'] ?? 'ssh']
}
