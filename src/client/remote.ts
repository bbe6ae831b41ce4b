import { execFile } from 'node:child_process'
import { PaasError } from '../errors/paas-error.ts'
import { parseHost, parseRemoteUrl, type Remote } from './remote-url.ts'

/**
 * Finds the server that a command on a laptop is for: `--remote NAME`, else PAAS_HOST and PAAS_PORT, else the git
 * remote `paas` of the folder. Also takes `--remote` out of the command line and, where that names no app, puts
 * the remote's app in.
 */
export async function findServer(
  argv: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ remote: Remote; argv: string[] }> {
  const { name, rest } = takeRemoteFlag(argv)
  const host = env['PAAS_HOST'] ?? ''
  if (name === undefined && host !== '') {
    const server = parseHost(host, env['PAAS_PORT'] === '' ? undefined : env['PAAS_PORT'])
    if (server === undefined) {
      throw new PaasError('INVALID_INPUT', 'PAAS_HOST and PAAS_PORT do not name a server.', {
        hint: 'They look like: PAAS_HOST=paas.example.com PAAS_PORT=22',
      })
    }
    const remote = await remoteNamed('paas')
    const same = remote?.host === server.host ? remote.app : undefined
    return { remote: server, argv: withApp(rest, same) }
  }
  const wanted = name ?? 'paas'
  const remote = await remoteNamed(wanted)
  if (remote === undefined) {
    throw new PaasError(
      'SERVER_UNKNOWN',
      `No server: there is no git remote ${JSON.stringify(wanted)} here that is reached by SSH.`,
      {
        hint: `Add one: git remote add ${wanted === '' ? 'paas' : wanted} paas@HOST:APP\nor name the server: PAAS_HOST=HOST paas …`,
      },
    )
  }
  return { remote, argv: withApp(rest, remote.app) }
}

/** The words before `--`, which are ours to read, and the rest. */
function untilDashes(argv: string[]): [string[], string[]] {
  const end = argv.indexOf('--')
  return end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end)]
}

export function takeRemoteFlag(argv: string[]): { name: string | undefined; rest: string[] } {
  const [ours, theirs] = untilDashes(argv)
  const at = ours.findIndex((word) => word === '--remote' || word.startsWith('--remote='))
  if (at < 0) return { name: undefined, rest: argv }
  const word = ours[at]!
  const apart = word === '--remote'
  const name = apart ? ours[at + 1] : word.slice('--remote='.length)
  if (name === undefined || name === '') {
    throw new PaasError('INVALID_INPUT', '--remote needs the name of a git remote.')
  }
  return { name, rest: [...ours.slice(0, at), ...ours.slice(at + (apart ? 2 : 1)), ...theirs] }
}

/** Adds `--app` after the command's name, unless the command line names an app itself or has no command. */
export function withApp(argv: string[], app: string | undefined): string[] {
  const [command, ...rest] = argv
  if (app === undefined || command === undefined || command.startsWith('-') || command === 'help') return argv
  const named = untilDashes(rest)[0].some((word) => /^(?:-a|--app(?:$|=))/.test(word))
  return named ? argv : [command, '--app', app, ...rest]
}

async function remoteNamed(name: string): Promise<Remote | undefined> {
  const url = await gitOutput(['remote', 'get-url', '--', name])
  return url === undefined ? undefined : parseRemoteUrl(url)
}

/** What git prints, trimmed; undefined where it fails or there is no git. */
export function gitOutput(args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('git', args, (error, stdout) => resolve(error === null ? stdout.trim() : undefined))
  })
}
