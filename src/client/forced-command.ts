import { instancePaths } from '../lib/paths.ts'
import { askController } from './local.ts'
import { onOrphaned } from './orphan.ts'
import { ownSources } from './sources.ts'
import { parseSshCommand } from './ssh-command.ts'
import { terminalFacts } from './terminal.ts'

/**
 * What sshd starts for a key of ours, `paas --ssh-key-id ID`, with what the caller asked for in
 * SSH_ORIGINAL_COMMAND. Resolves with the exit code; refusals are PaasErrors.
 */
export async function forcedCommand(root: string, keyId: string): Promise<number> {
  const { sshSocket } = instancePaths(root)
  const wanted = parseSshCommand(process.env['SSH_ORIGINAL_COMMAND'] ?? '')
  switch (wanted.kind) {
    case 'git':
      return (await import('./git.ts')).serveGit(sshSocket, {
        service: wanted.service,
        app: wanted.app,
        keyId,
      })
    case 'wire':
      return (await import('./wire-bridge.ts')).bridgeWire(sshSocket, keyId)
    case 'command':
      // Closing the connection is what cancels the command of a caller that is gone.
      onOrphaned(() => process.exit(1))
      return askController(
        sshSocket,
        { kind: 'command', argv: wanted.argv, terminal: terminalFacts(), keyId, plainSsh: true },
        // The files here are the server's, not the caller's.
        { ...ownSources, files: false },
      )
  }
}
