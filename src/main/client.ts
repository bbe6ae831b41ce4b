import { existsSync } from 'node:fs'
import { askController } from '../client/local.ts'
import { refuseOldNode } from '../client/node-version.ts'
import { ownSources } from '../client/sources.ts'
import { terminalFacts } from '../client/terminal.ts'
import { PaasError } from '../errors/paas-error.ts'
import { renderError, wantsJson } from '../errors/render.ts'
import { instancePaths } from '../lib/paths.ts'

const compilesAfterMs = 1000
/** For what still holds the process when its work is done, as a terminal does that was read from. */
const graceMs = 100

/**
 * The `paas` program: on the server it talks to the controller's socket; elsewhere it goes through ssh. As sshd's
 * forced command and as git's hook it is started with a flag that is read from this process' own argv only.
 * What is not on the way of a command on the server is loaded when it is needed; and the build bundles the
 * rest into CommonJS (`npm run build:client`), which Node starts faster than the same files as ES modules.
 */
async function run(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const root = env['PAAS_ROOT'] ?? '/'
  const [mode, keyId] = argv
  if (mode === '--ssh-key-id' && keyId !== undefined) {
    return (await import('../client/forced-command.ts')).forcedCommand(root, keyId)
  }
  if (mode === '--pre-receive') return (await import('../client/pre-receive.ts')).preReceive(env)
  const elsewhere = (env['PAAS_HOST'] ?? '') !== '' || argv.some((word) => /^--remote(?:=|$)/.test(word))
  if (!elsewhere && isServer(root)) {
    const { rootSocket } = instancePaths(root)
    return askController(rootSocket, { kind: 'command', argv, terminal: terminalFacts() }, ownSources)
  }
  return (await import('../client/over-ssh.ts')).runOverSsh(argv, env)
}

/** Set-up has been here, or a controller runs. */
function isServer(root: string): boolean {
  const { rootSocket, settings } = instancePaths(root)
  return existsSync(rootSocket) || existsSync(settings)
}

async function main(): Promise<number> {
  const argv = process.argv.slice(2)
  try {
    refuseOldNode(process.versions.node)
    return await run(argv, process.env)
  } catch (error) {
    const shown =
      error instanceof PaasError
        ? error
        : new PaasError('INTERNAL', `paas failed: ${String(error)}`, { cause: error })
    process.stderr.write(renderError(shown, { json: wantsJson(argv) }))
    return shown.exitCode
  }
}

/**
 * `process.exit` waits for V8's background compilers, and one of them may be waiting for a collection of garbage by the
 * thread that waits (Node 26.10, after large uploads). Who has lived long enough to have something compiled therefore
 * ends by itself, when nothing is left to do.
 */
void main().then((code) => {
  if (performance.now() < compilesAfterMs) process.exit(code)
  process.exitCode = code
  setTimeout(() => process.exit(), graceMs).unref()
})
