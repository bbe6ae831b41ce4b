import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openEngine } from '../../../src/docker/engine.ts'
import { randomHex, randomId } from '../../../src/lib/ids.ts'
import { serviceInterfaces } from '../../../src/lib/service-network.ts'
import { type App } from '../../../src/model/app.ts'
import { Instance } from '../../../src/model/instance.ts'
import { AppId, AppName } from '../../../src/model/names.ts'
import { Release, type Image } from '../../../src/model/release.ts'
import { unguardHost } from '../../../src/network/firewall.ts'
import { createSecrets } from '../../../src/store/secrets.ts'
import { createStore } from '../../../src/store/store.ts'
import { eventually, type Finished, mustRun, run, start } from '../../support/process.ts'
import { startState } from '../../support/redis.ts'

const source = join(import.meta.dirname, '../../../src/main')
const programs = [
  ...['/bin/sh', '/bin/bash', '/bin/cat', '/bin/sleep', '/bin/echo', '/bin/stty', '/bin/true'],
  ...['/usr/bin/env', '/usr/bin/seq', '/usr/bin/head', '/usr/bin/sha256sum', process.execPath],
]

/** A web server that tells its place and a config var, and says in its log what it was asked for. */
export const webCommand = `${process.execPath} -e "require('http').createServer((q,r)=>{console.log('asked '+q.url);r.end(process.env.DYNO+' '+(process.env.A||''))}).listen(process.env.PORT,()=>console.log('up'));process.on('SIGTERM',()=>process.exit(0))"`

/**
 * A real controller, from its sources, on a Redis and in a folder of its own, with an image of this machine's own
 * programs; no router and no sshd. `extra` goes into the controller's environment.
 */
export async function startRig(extra: NodeJS.ProcessEnv = {}) {
  const state = await startState()
  const { paths } = state
  const engine = openEngine('/var/run/docker.sock')
  await engine.negotiate()
  const name = `paas-test-${randomHex(3)}`
  const octet = 1 + (Number.parseInt(name.slice(-2), 16) % 250)
  const masterKey = Buffer.alloc(32, 7)
  const instance = Instance.parse({
    name,
    user: 'root',
    domain: 'daily.test',
    http: { address: '127.0.0.1', port: 80 },
    sshPort: 22,
    network: { bridge: `pt${name.slice(-6)}`, subnet: `10.214.${octet}.0/24` },
    dockerSocket: '/var/run/docker.sock',
  })
  for (const folder of [paths.appLogs, paths.builds, paths.repos, dirname(paths.authorizedKeys), paths.run])
    await mkdir(folder, { recursive: true })
  await writeFile(paths.redisControllerPassword, 'controller-password')
  await writeFile(paths.masterKey, masterKey)
  await writeFile(paths.settings, JSON.stringify(instance))
  const root = dirname(dirname(paths.etc))
  const env = { ...process.env, PAAS_ROOT: root, PAAS_LOG_LEVEL: 'warn' }

  const libraries = (await mustRun('ldd', programs)).matchAll(/(?:=> |^\s)(\/\S+)/gm)
  const files = [...programs, ...new Set([...libraries].map(([, path]) => path!))]
  const tar = spawn('tar', ['--create', '--dereference', '--absolute-names', '--', ...files], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const tag = `paas-test/daily:${name}`
  const changes = [`LABEL paas.instance=${name}`, 'CMD ["/bin/sh"]', 'ENV PATH=/bin:/usr/bin']
  await engine.images.import(tar.stdout, tag, changes)

  let controller = spawnController()
  function spawnController() {
    return spawn(process.execPath, [join(source, 'controller.ts')], {
      env: { ...env, ...extra },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  }
  const client = [join(source, 'client.ts')]
  const paas = (
    args: string[],
    options: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Finished> =>
    run(process.execPath, [...client, ...args], { ...options, env: { ...env, ...options.env } })
  const answers = () =>
    eventually('the controller answers', 30_000, async () => (await paas(['version'])).code === 0)
  await answers()
  const store = createStore(state.redis, createSecrets(masterKey))

  return {
    ...state,
    store,
    engine,
    instance,
    paas,
    answers,
    /** A client that goes on; `child` may be killed. */
    starts: (args: string[]) => start(process.execPath, [...client, ...args], { env }),
    /** The same in a terminal of its own; `keys` are pressed after so many seconds each. */
    inTerminal: (args: string[], keys: [seconds: number, text: string][], setUp = 'stty rows 33 cols 99') => {
      const words = [process.execPath, ...client, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
      const typed = keys.map(([seconds, text]) => `sleep ${seconds}; printf '${text}'`).join('; ')
      const line = `${setUp}; ${words.join(' ')}; echo "exit code $?"`
      return run(
        '/bin/bash',
        ['-c', `(${typed || 'true'}; sleep 1) | timeout 60 script -qec "$LINE" /dev/null`],
        {
          env: { ...env, LINE: line, SHELL: '/bin/bash' },
        },
      )
    },
    /** The result of a command that must succeed. */
    async json<T>(...args: string[]): Promise<T> {
      const { code, stdout, output } = await paas([args[0]!, '--json', ...args.slice(1)])
      if (code !== 0) throw new Error(`paas ${args.join(' ')}: ${output}`)
      return JSON.parse(stdout) as T
    },
    /** An app that is live with v1, as if it had been pushed. */
    async app(
      appName: string,
      facts: Partial<Image> = {},
      formation: Record<string, number> = {},
    ): Promise<App> {
      const app: App = {
        id: AppId.parse(randomId('a')),
        name: AppName.parse(appName),
        createdAt: new Date().toISOString(),
        formation,
        domains: [],
        currentRelease: 1,
        lastRelease: 1,
      }
      const release = Release.parse({
        version: 1,
        createdAt: new Date().toISOString(),
        createdBy: 'root',
        description: 'Deploy 1a2b3c4d',
        image: {
          // As after a restore, where another engine has built it: by this id, no image is here.
          id: `sha256:${'0'.repeat(64)}`,
          tag,
          builder: 'test',
          processes: { web: { command: webCommand } },
          checks: {},
          port: 5000,
          ...facts,
        },
        config: {},
        status: 'active',
      })
      await store.releases.create(app, release)
      await store.apps.create(app)
      const { code, output } = await paas(['ps:restart', '-a', appName])
      if (code !== 0) throw new Error(output)
      return app
    },
    /** The tag of the image that its apps are made of. */
    image: tag,
    controllerPid: () => controller.pid!,
    async restartController(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
      controller.kill(signal)
      await once(controller, 'exit')
      controller = spawnController()
      await answers()
    },
    [Symbol.asyncDispose]: async () => {
      controller.kill('SIGKILL')
      const containers = await engine.containers.list([`paas.instance=${name}`])
      await Promise.all(containers.map((id) => engine.containers.remove(id)))
      await engine.images.remove(tag)
      await engine.networks.remove(instance.network.bridge)
      for (const bridge of [instance.network.bridge, serviceInterfaces(name)]) await unguardHost(bridge)
      await state[Symbol.asyncDispose]()
    },
  }
}

export type Rig = Awaited<ReturnType<typeof startRig>>
