import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { instance, paas, paths } from './instance.ts'
import { type Finished, mustRun, run, type Running, start } from './process.ts'

/** Path → content; null removes the file. */
export type Files = Record<string, string | null>

const sources = join(import.meta.dirname, '../apps')
const program = join(paths.opt, 'app/bin/paas')

/** A developer's machine: a home, an SSH key and clones of its own, and nothing of the server's. */
export type Laptop = AsyncDisposable & {
  /** Name of its key. */
  name: string
  folder: string
  env: NodeJS.ProcessEnv
  /** Runs `paas` in a folder of the laptop. */
  paas: (args: readonly string[], options?: { cwd?: string; input?: string | Buffer }) => Promise<Finished>
  ssh: (...command: string[]) => Promise<Finished>
  /** A repository with the files of test/apps/<from>, and the app as its remote `paas`. */
  clone: (app: string, options?: { from?: string; files?: Files }) => Promise<Clone>
}

export type Clone = {
  folder: string
  app: string
  /** Changes files and commits; resolves with the commit. */
  commit: (files: Files, message?: string) => Promise<string>
  git: (...args: string[]) => Promise<string>
  push: (...refspecs: string[]) => Promise<Finished>
  startPush: (...refspecs: string[]) => Running
  /** Pushes what must go live. */
  deploy: (files?: Files) => Promise<Finished>
}

/** An app's name that no test had before on this instance. */
export const appName = (what: string): string => `${what}-${randomBytes(3).toString('hex')}`

/** Makes a laptop whose key has the role given, for the apps given. Its apps are destroyed with it. */
export async function createLaptop(
  what: string,
  options: { role?: string; apps?: string[] } = {},
): Promise<Laptop> {
  const name = appName(what)
  const apps = new Set<string>()
  const folder = await mkdtemp(join(tmpdir(), `paas-laptop-${name}-`))
  const home = join(folder, 'home')
  const key = join(folder, 'home/.ssh/id_ed25519')
  const knownHosts = join(folder, 'home/.ssh/known_hosts')
  await mkdir(dirname(key), { recursive: true, mode: 0o700 })
  await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key])
  const hostKey = await mustRun('ssh-keygen', ['-y', '-f', join(paths.etc, 'ssh_host_ed25519_key')])
  await writeFile(knownHosts, `[127.0.0.1]:${instance.sshPort} ${hostKey}`)
  const added = await paas([
    ...['keys:add', name, `${key}.pub`, '--role', options.role ?? 'manage'],
    ...(options.apps === undefined ? [] : ['--apps', options.apps.join(',')]),
  ])
  if (added.code !== 0) throw new Error(added.output)

  const sshOptions = [
    ...['-F', 'none', '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
    ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'LogLevel=ERROR'],
  ]
  const env: NodeJS.ProcessEnv = {
    PATH: `${join(paths.opt, 'node/bin')}:${process.env['PATH']}`,
    HOME: home,
    LANG: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: `${name}@example.com`,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: `${name}@example.com`,
    GIT_SSH_COMMAND: ['ssh', ...sshOptions].join(' '),
    // There is no server in this folder, so the program knows that it is on a laptop.
    PAAS_ROOT: join(folder, 'nothing'),
  }

  return {
    name,
    folder,
    env,
    paas: (args, { cwd = folder, input } = {}) =>
      run(program, args, { cwd, env, ...(input !== undefined && { input }) }),
    ssh: (...command) =>
      run('ssh', [...sshOptions, '-p', String(instance.sshPort), `${instance.user}@127.0.0.1`, ...command], {
        env,
      }),
    async clone(app, { from = 'probe', files = {} } = {}) {
      apps.add(app)
      const clone = cloneIn(await mkdtemp(join(folder, `${app}-`)), app, env)
      await cp(join(sources, from), clone.folder, { recursive: true })
      await clone.git('init', '--quiet', '--initial-branch=main')
      await clone.git(
        ...['remote', 'add', 'paas', `ssh://${instance.user}@127.0.0.1:${instance.sshPort}/${app}`],
      )
      await clone.commit(files)
      return clone
    },
    async [Symbol.asyncDispose]() {
      await paas(['keys:remove', name])
      for (const app of apps) await paas(['apps:destroy', '-a', app, '--confirm', app])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An existing folder as a clone of an app. */
export function cloneIn(folder: string, app: string, env: NodeJS.ProcessEnv): Clone {
  const git = (...args: string[]): Promise<string> => mustRun('git', args, { cwd: folder, env })
  const startPush = (...refspecs: string[]): Running =>
    start('git', ['push', 'paas', ...(refspecs.length === 0 ? ['main'] : refspecs)], { cwd: folder, env })
  const commit = async (files: Files, message = 'change'): Promise<string> => {
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, path)
      if (content === null) await rm(file)
      else {
        await mkdir(dirname(file), { recursive: true })
        await writeFile(file, content)
      }
    }
    await git('add', '--all')
    await git('commit', '--quiet', '--allow-empty', '--message', message)
    return (await git('rev-parse', 'HEAD')).trim()
  }
  return {
    folder,
    app,
    git,
    commit,
    startPush,
    push: (...refspecs) => startPush(...refspecs).finished,
    async deploy(files = {}) {
      await commit(files)
      const pushed = await startPush().finished
      if (pushed.code === 0) return pushed
      const log = await readFile(join(paths.log, 'controller.log'), 'utf8').catch(() => '')
      throw new Error(`the push failed (${pushed.code}):\n${pushed.output}\n${log.slice(-2000)}`)
    },
  }
}
