import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { pino } from 'pino'
import { authorise } from '../../src/api/authorise.ts'
import { answerGit } from '../../src/api/git-request.ts'
import { type PushRequest } from '../../src/api/request.ts'
import { type Api, startApi } from '../../src/api/server.ts'
import { type Session } from '../../src/api/session.ts'
import { writeAuthorizedKeys } from '../../src/apps/authorized-keys.ts'
import { addKey } from '../../src/apps/keys.ts'
import { type Platform } from '../../src/apps/platform.ts'
import { runCommandLine } from '../../src/commands/program.ts'
import { commands } from '../../src/commands/registry.ts'
import { gitConfig } from '../../src/git/config.ts'
import { instancePaths, type InstancePaths } from '../../src/lib/paths.ts'
import { createQueues } from '../../src/lib/queues.ts'
import { type Access } from '../../src/model/key.ts'
import { AppName } from '../../src/model/names.ts'
import { connectRedis, redisReady } from '../../src/store/redis.ts'
import { createSecrets } from '../../src/store/secrets.ts'
import { createStore } from '../../src/store/store.ts'
import { freePort } from './free-port.ts'

export type Finished = { code: number; stdout: string; stderr: string }

export type SshRig = AsyncDisposable & {
  folder: string
  /** With `trace`: what strace wrote of every program that sshd and its children started. */
  traceFile: string
  paths: InstancePaths
  platform: Platform
  user: string
  port: number
  /** What answers a push; a test puts its own in. */
  onPush: (request: PushRequest, session: Session) => Promise<number>
  /** What answers a command line besides the real commands; undefined where it does not. */
  onCommand: (argv: string[], session: Session) => Promise<number | undefined>
  /** Makes a key pair and lets it in; resolves with the private key's path. */
  key(name: string, role: Access, apps?: string[]): Promise<string>
  /** A key pair that nobody has let in. */
  keyFile(name: string): Promise<string>
  /** Options of ssh that use this key and nothing of the machine's own. */
  sshOptions(keyFile: string): string[]
  ssh(keyFile: string, args: string[], input?: string): Promise<Finished>
  /** Environment in which git and the laptop's paas reach the rig with this key. */
  gitEnv(keyFile: string): NodeJS.ProcessEnv
  url(app: string): string
  restartApi(): Promise<void>
  stopApi(): Promise<void>
}

const repository = join(import.meta.dirname, '../..')
/** The client's source, which Node runs as it is; what is installed is compiled. */
export const clientFile = join(repository, 'src/main/client.ts')

/**
 * A server as people reach it: a real sshd on a loopback port, the real client as its forced command under an OS
 * user of its own, the real API over a real Redis. Deploys are the test's. Needs root.
 */
export async function startSshRig(options: { trace?: boolean; client?: string } = {}): Promise<SshRig> {
  const cleanUp = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'paas-ssh-'))
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  const user = `paas-t${randomBytes(3).toString('hex')}`
  const paths = instancePaths(folder)
  const ids = await createUser(user, paths.home)
  cleanUp.defer(async () => {
    await run('userdel', [user])
  })

  for (const path of [
    paths.etc,
    paths.run,
    join(paths.home, '.ssh'),
    paths.repos,
    join(paths.launcher, '..'),
  ]) {
    await mkdir(path, { recursive: true, mode: 0o755 })
  }
  await chown(paths.repos, ids.uid, ids.gid)
  await writeFile(paths.gitConfig, gitConfig())
  const launcher = `#!/bin/sh\nPAAS_ROOT=${folder} exec ${process.execPath} ${options.client ?? clientFile} "$@"\n`
  await writeFile(paths.launcher, launcher, { mode: 0o755 })

  const redis = await startRedis(folder, cleanUp)
  const log = pino(
    { level: 'warn' },
    pino.destination(process.env['RIG_LOG'] ?? join(folder, 'controller.log')),
  )
  const platform = {
    instance: { domain: 'paas.localhost', user, sshPort: 22, http: { address: '127.0.0.1', port: 80 } },
    paths,
    store: createStore(redis, createSecrets(randomBytes(32))),
    ensureState: () => Promise.resolve(),
    queues: createQueues(() => new Date()),
    log,
    now: () => new Date(),
    // No engine and no scheduler: what this rig serves touches neither.
  } as unknown as Platform
  await writeAuthorizedKeys(platform)

  const start = (): Promise<Api> =>
    startApi({
      rootSocket: paths.rootSocket,
      sshSocket: paths.sshSocket,
      sshGroup: ids.gid,
      findKey: (id) => platform.store.sshKeys.get(id),
      log,
      handlers: {
        async command({ argv }, session) {
          const own = await rig.onCommand(argv, session)
          return own ?? runCommandLine(commands, argv, { platform, ...session }, authorise)
        },
        git: (request, session) => answerGit(platform, request, session),
        push: (request, session) => rig.onPush(request, session),
      },
    })
  let api: Api | undefined = await start()
  const stopApi = async (): Promise<void> => {
    await api?.close(500)
    api = undefined
  }
  cleanUp.defer(stopApi)
  const port = await startSshd(
    folder,
    user,
    paths,
    cleanUp,
    options.trace === true ? join(folder, 'execve') : undefined,
  )
  const knownHosts = join(folder, 'known_hosts')

  const rig: SshRig = {
    folder,
    traceFile: join(folder, 'execve'),
    paths,
    platform,
    user,
    port,
    async onPush(request, { io }) {
      io.stdin().resume()
      await once(io.stdin(), 'end')
      await io.stderr(`-----> Deploying ${request.commit.slice(0, 7)}\n`)
      return 0
    },
    onCommand: () => Promise.resolve(undefined),
    async keyFile(name) {
      const file = join(folder, `key-${name}`)
      await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file])
      return file
    },
    async key(name, role, apps) {
      const file = await rig.keyFile(name)
      const text = await readFile(`${file}.pub`, 'utf8')
      const scope = apps && { apps: apps.map((app) => AppName.parse(app)) }
      await addKey(platform, 'test', { name, text, role, ...scope })
      return file
    },
    sshOptions: (keyFile) => [
      ...['-F', 'none', '-i', keyFile, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'LogLevel=ERROR'],
    ],
    ssh: (keyFile, args, input) =>
      run('ssh', [...rig.sshOptions(keyFile), '-p', String(port), `${user}@127.0.0.1`, '--', ...args], {
        input: input ?? '',
      }),
    gitEnv: (keyFile) => ({
      PATH: process.env['PATH'],
      HOME: folder,
      LANG: 'C.UTF-8',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'T',
      GIT_AUTHOR_EMAIL: 't@example.com',
      GIT_COMMITTER_NAME: 'T',
      GIT_COMMITTER_EMAIL: 't@example.com',
      GIT_SSH_COMMAND: ['ssh', ...rig.sshOptions(keyFile)].join(' '),
      PAAS_ROOT: join(folder, 'laptop'),
    }),
    url: (app) => `ssh://${user}@127.0.0.1:${port}/${app}`,
    stopApi,
    async restartApi() {
      await stopApi()
      api = await start()
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  }
  return rig
}

async function createUser(name: string, home: string): Promise<{ uid: number; gid: number }> {
  await mustRun('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    home,
    '--shell',
    '/bin/sh',
    '--password',
    '*',
    name,
  ])
  const id = async (flag: string): Promise<number> => Number((await mustRun('id', [flag, name])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

async function startRedis(folder: string, cleanUp: AsyncDisposableStack) {
  const socket = join(folder, 'redis.sock')
  const password = randomBytes(12).toString('hex')
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--requirepass', password],
    { stdio: 'ignore' },
  )
  cleanUp.defer(() => ended(server))
  const redis = connectRedis({ path: socket, username: 'default', password, name: 'test' })
  cleanUp.defer(() => redis.disconnect())
  await redisReady(redis, 10_000)
  return redis
}

async function startSshd(
  folder: string,
  user: string,
  paths: InstancePaths,
  cleanUp: AsyncDisposableStack,
  straceFile: string | undefined,
): Promise<number> {
  const hostKey = join(folder, 'host_key')
  await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'host', '-f', hostKey])
  const port = await freePort()
  const config = join(folder, 'sshd_config')
  await writeFile(
    config,
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${hostKey}
PidFile none
AllowUsers ${user}
AuthorizedKeysFile ${paths.authorizedKeys} ${folder}/plain_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
AcceptEnv GIT_PROTOCOL
StrictModes no
UsePAM no
PrintMotd no
PrintLastLog no
MaxStartups 200
LogLevel VERBOSE
`,
  )
  await mkdir('/run/sshd', { recursive: true })
  const line = ['/usr/sbin/sshd', '-D', '-f', config, '-E', join(folder, 'sshd.log')]
  // -D: the process that is started is sshd itself, which ends when it is told to.
  const traced =
    straceFile === undefined
      ? line
      : ['strace', '-D', '-f', '-qq', '-s', '300', '-e', 'trace=execve', '-o', straceFile, ...line]
  const sshd = spawn(traced[0]!, traced.slice(1), { stdio: 'ignore' })
  cleanUp.defer(() => ended(sshd))
  const key = (await readFile(`${hostKey}.pub`, 'utf8')).trim()
  await writeFile(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${key}\n`)
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await run('ssh-keyscan', ['-T', '1', '-p', String(port), '127.0.0.1'])).stdout !== '') return port
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`sshd did not start: ${await readFile(join(folder, 'sshd.log'), 'utf8').catch(() => '')}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await once(child, 'exit')
  clearTimeout(timer)
}

/** Runs a program to its end; never throws for its exit code. */
export function run(
  program: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string; timeoutMs?: number } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const { input, timeoutMs, ...rest } = options
    const child = execFile(
      program,
      args,
      {
        ...rest,
        encoding: 'utf8',
        maxBuffer: 256 * 1024 * 1024,
        timeout: timeoutMs ?? 60_000,
        killSignal: 'SIGKILL',
      },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 128), stdout, stderr }),
    )
    // A program that does not read its stdin is no error.
    child.stdin!.on('error', () => undefined)
    child.stdin!.end(input ?? '')
  })
}

export async function mustRun(...args: Parameters<typeof run>): Promise<Finished> {
  const finished = await run(...args)
  if (finished.code !== 0)
    throw new Error(`${args[0]} ${args[1].join(' ')}: ${finished.code} ${finished.stderr}`)
  return finished
}
