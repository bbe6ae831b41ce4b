import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ContainerState } from '../../docker/containers.ts'
import { type Engine } from '../../docker/engine.ts'
import { messageOf, PaasError } from '../../errors/paas-error.ts'
import { execCommand } from '../../lib/exec-command.ts'
import { randomHex } from '../../lib/ids.ts'
import { openFilesLimit } from '../../lib/open-files.ts'
import { type Container, type ContainerSpec, type Scheduler, type TerminalSize } from '../scheduler.ts'
import { labels, parseLabels } from './labels.ts'
import { rememberRunning } from './running.ts'

const defaults = { memoryBytes: 512 * 1024 * 1024, pidsLimit: 1024 }
const mostOpenFiles = 65_536
/** Milliseconds over which CPU use is measured. */
const usageMoment = 200

/**
 * Runs containers on the one Docker Engine of this server, on the bridge that the router reaches. What has ended and
 * is to be removed waits for `beforeRemove`, so that its last output can be taken.
 */
export function dockerLocal(
  engine: Engine,
  instance: { name: string; network: { bridge: string }; dockerSocket?: string },
  beforeRemove: (id: string) => Promise<void> = async () => undefined,
): Scheduler {
  const bridge = instance.network.bridge

  function toContainer(state: ContainerState): Container {
    const name = state.name
    return {
      id: state.id,
      name,
      ...parseLabels(state.labels),
      command: shellLine(state.command),
      running: state.running,
      address: (state.running && state.addresses[bridge]) || undefined,
      createdAt: new Date(state.createdAt),
      startedAt: time(state.startedAt),
      finishedAt: state.running ? undefined : time(state.finishedAt),
      exit:
        state.running || time(state.finishedAt) === undefined
          ? undefined
          : { code: state.exitCode, oomKilled: state.oomKilled },
      image: state.image,
      pid: state.pid || undefined,
    }
  }

  async function inspect(id: string): Promise<Container | undefined> {
    const state = await engine.containers.inspect(id)
    return state && toContainer(state)
  }

  const running = rememberRunning(inspect)

  async function launch(id: string, name: string): Promise<Container> {
    try {
      await engine.containers.start(id)
    } catch (error) {
      throw new PaasError('START_FAILED', `${name} could not start: ${messageOf(error)}`, { cause: error })
    }
    const started = await inspect(id)
    if (started === undefined) throw new PaasError('START_FAILED', `${name} was removed while it started.`)
    return started
  }

  async function create(
    spec: ContainerSpec,
    streams?: { tty: boolean },
  ): Promise<{ id: string; name: string }> {
    const { slot, limits = {} } = spec
    const name = `${spec.app.name}.${slot.type}.${slot.index}.v${spec.release}-${randomHex(3)}`
    const id = await engine.containers.create({
      name,
      image: spec.image,
      // Through the image's ENTRYPOINT, which for a buildpack's image sets up the environment.
      ...(spec.command !== undefined && { command: ['/bin/sh', '-c', execCommand(spec.command)] }),
      env: spec.env,
      labels: labels(instance.name, spec, { attached: streams !== undefined }),
      network: bridge,
      memoryBytes: limits.memoryBytes ?? defaults.memoryBytes,
      pidsLimit: limits.pids ?? defaults.pidsLimit,
      ...(limits.cpus !== undefined && { cpus: limits.cpus }),
      ...(limits.cpuShares !== undefined && { cpuShares: limits.cpuShares }),
      openFiles: await openFiles(instance.dockerSocket),
      ...(streams && { keepLogs: false, openStdin: true, tty: streams.tty }),
      ...(spec.volumes && { volumes: spec.volumes }),
    })
    // Before it starts: a process that finds its database at once need not fail first.
    try {
      for (const network of spec.networks ?? []) await engine.networks.connect(network, id)
    } catch (error) {
      await engine.containers.remove(id)
      throw error
    }
    return { id, name }
  }

  return {
    inspect,

    async start(spec: ContainerSpec) {
      const { id, name } = await create(spec)
      try {
        return await launch(id, name)
      } catch (error) {
        await engine.containers.remove(id)
        throw error
      }
    },

    async attach(spec, tty) {
      const { id, name } = await create(sized(spec, tty), { tty: tty !== undefined })
      try {
        const streams = await engine.containers.attach(id, { tty: tty !== undefined, stdin: true })
        const container = await launch(id, name)
        // Asked now: one that has ended may be removed by reconcile before its output is read.
        const exit = engine.containers.wait(id)
        exit.catch(() => undefined)
        if (tty !== undefined) await engine.containers.resize(id, tty)
        return {
          ...streams,
          container,
          resize: (size) => engine.containers.resize(id, size),
          async kill(signal) {
            await engine.containers.kill(id, signal)
          },
          exitCode: () => exit,
        }
      } catch (error) {
        await engine.containers.remove(id)
        throw error
      }
    },

    async usage(containers) {
      const look = () => Promise.all(containers.map(({ id, pid }) => engine.containers.usage(id, pid)))
      const before = await look()
      await sleep(usageMoment)
      const after = await look()
      return new Map(
        containers.flatMap(({ id }, i) => {
          const [first, last] = [before[i], after[i]]
          if (first === undefined || last === undefined) return []
          const cpu = (last.cpuNs - first.cpuNs) / 1e6 / (last.at - first.at)
          return [[id, { cpu: Math.max(0, cpu), memoryBytes: last.memoryBytes }] as const]
        }),
      )
    },

    interact: (id, command, tty) =>
      engine.containers.run(id, {
        command: ['/bin/sh', '-c', tty === undefined ? command : `${sizing(tty)}${command}`],
        ...(tty && { tty }),
      }),

    restart: (id) => launch(id, id.slice(0, 12)),

    async list(appId) {
      const ours = `paas.instance=${instance.name}`
      // Of one app everything is asked anew: while a container dies, the engine's list still has it running.
      const found =
        appId === undefined
          ? await running.read(await engine.containers.summaries([ours, 'paas.app']))
          : await Promise.all((await engine.containers.list([ours, `paas.app=${appId}`])).map(inspect))
      return found
        .filter((container) => container !== undefined)
        .sort((a, b) => a.slot.type.localeCompare(b.slot.type) || a.slot.index - b.slot.index)
    },

    async stop(id, graceSeconds) {
      await engine.containers.stop(id, graceSeconds)
    },

    async remove(id, graceSeconds) {
      await engine.containers.stop(id, graceSeconds)
      await beforeRemove(id)
      await engine.containers.remove(id)
    },

    logs: (id, { since, ...options }) =>
      engine.containers.logs(id, { ...options, ...(since && { since: since.getTime() / 1000 }) }),

    exec: (id, command, timeoutSeconds) => engine.containers.exec(id, command, timeoutSeconds),

    async wait(id, signal) {
      const code = await engine.containers.wait(id, signal)
      const ended = await engine.containers.inspect(id)
      return { code, oomKilled: ended?.oomKilled ?? false }
    },
  }
}

/**
 * An engine sizes a terminal only once its process runs, so a quick one would see none: a shell sizes it first.
 */
function sized(spec: ContainerSpec, tty: TerminalSize | undefined): ContainerSpec {
  if (tty === undefined || spec.command === undefined) return spec
  return { ...spec, command: `${sizing(tty)}${spec.command}` }
}

const sizing = ({ rows, columns }: TerminalSize): string => `stty rows ${rows} cols ${columns} 2>/dev/null; `

/** The line that `create` has given to a shell. */
function shellLine(command: string[]): string | undefined {
  return command[0] === '/bin/sh' && command[1] === '-c'
    ? command[2]?.replace(/^stty rows \d+ cols \d+ 2>\/dev\/null; /, '').replace(/^exec /, '')
    : undefined
}

/** The engine writes the zero time for what never happened. */
function time(iso: string): Date | undefined {
  return iso.startsWith('0001-') ? undefined : new Date(iso)
}

/** A container cannot be given more than the engine has: 65,536, or the engine's own limit. */
async function openFiles(dockerSocket = '/var/run/docker.sock'): Promise<number> {
  // An engine keeps its number beside its socket, unless it is told otherwise.
  const file = join(dirname(dockerSocket), 'docker.pid')
  const pid = Number(await readFile(file, 'latin1').catch(() => ''))
  const limit = await openFilesLimit(pid > 0 ? pid : 'self')
  return Math.min(mostOpenFiles, limit ?? mostOpenFiles)
}
