import { type GitService, gitServices, wireCommand } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { shellWords, ShellWordsError } from '../lib/shell-words.ts'

/** What somebody asks for over SSH. */
export type SshCommand =
  | { kind: 'git'; service: GitService; app: string }
  /** A laptop's client, which speaks frames. */
  | { kind: 'wire' }
  | { kind: 'command'; argv: string[] }

/** An app's name, as model/names.ts has it, which the client does not load; the controller parses it again. */
const appName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Reads SSH_ORIGINAL_COMMAND: one of three git services with exactly one app, or a paas command line. Everything
 * else throws FORBIDDEN with one line that says why. The command's name is looked at here only as far as to be
 * sure that it looks like one; the controller refuses those that it does not have.
 */
export function parseSshCommand(line: string): SshCommand {
  if (line === wireCommand) return { kind: 'wire' }
  const [name, ...args] = words(line)
  if (name === undefined) return { kind: 'command', argv: [] }
  const service = gitServices.find((known) => known === name)
  if (service !== undefined) return { kind: 'git', service, app: repository(service, args) }
  if (!/^[a-z][a-z0-9:-]*$/.test(name) && !/^--?[a-z]+$/.test(name)) {
    throw refused(`${JSON.stringify(shortened(name))} is not a paas command`)
  }
  return { kind: 'command', argv: [name, ...args] }
}

function words(line: string): string[] {
  try {
    return shellWords(line)
  } catch (error) {
    if (!(error instanceof ShellWordsError)) throw error
    throw refused(`this command line ${error.message}`)
  }
}

function repository(service: string, args: string[]): string {
  const [path, ...more] = args
  if (path === undefined || more.length > 0) throw refused(`${service} takes exactly one app`)
  const app = path.replace(/^\//, '').replace(/\.git$/, '')
  if (!appName.test(app)) throw refused(`${JSON.stringify(shortened(path))} is not the name of an app`)
  return app
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

const refused = (reason: string): PaasError => new PaasError('FORBIDDEN', `Refused: ${reason}.`)
