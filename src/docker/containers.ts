import type Dockerode from 'dockerode'
import { messageOf } from '../errors/paas-error.ts'
import { type Attached, attachTo } from './attach.ts'
import { cgroupUsage, type Usage } from './cgroup-usage.ts'
import { dockerCall } from './call.ts'
import { type ExecOptions, type RunningExec, startExec } from './exec.ts'
import { demultiplex, type EngineStream } from './log-stream.ts'
import { type PipedExec, startPiped } from './piped-exec.ts'

/** What a container is made of, in our words. Sizes in bytes. */
export type ContainerOptions = {
  name: string
  image: string
  /** Replaces the image's CMD; with `entrypoint` [] the image's ENTRYPOINT is dropped too. */
  command?: string[]
  entrypoint?: string[]
  env: Record<string, string>
  labels: Record<string, string>
  network: string
  memoryBytes: number
  pidsLimit: number
  /** Open files; at most what the engine itself may open, or no container would start. */
  openFiles: number
  /** Cores that it may use, fractions allowed; undefined: all. */
  cpus?: number
  /** Its weight where cores are scarce; the engine's own is 1024. */
  cpuShares?: number
  /** False: the engine keeps none of its output. */
  keepLogs?: boolean
  tty?: boolean
  openStdin?: boolean
  /** A user of the image; undefined: the image's own. */
  user?: string
  /** What SIGTERM is replaced by; undefined: the image's own. */
  stopSignal?: string
  /** Volume name → absolute path in the container. */
  volumes?: Mount[]
  /** Names besides the container's own that it is found by on `network`. */
  aliases?: string[]
  /** Bytes of /dev/shm; undefined: the engine's 64 MiB. */
  sharedMemoryBytes?: number
  /** Ports that the host listens on for the container. */
  publish?: { address: string; hostPort: number; port: number }[]
}

/** A named volume of the engine in a container. */
export type Mount = { volume: string; path: string; readOnly?: boolean }

/**
 * Capabilities of an app's container: what a web server that starts as root and drops its rights needs, and
 * nothing that reaches the host.
 */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID', 'NET_BIND_SERVICE']

/**
 * Where the engine keeps output until it is in the app's ring. Large files, because one that is rotated while it is
 * followed may lose lines in old engines.
 */
const logFiles = { Type: 'json-file', Config: { 'max-size': '50m', 'max-file': '2' } }

export type ContainerState = {
  id: string
  name: string
  labels: Record<string, string>
  image: string
  /** What it was given to run in place of the image's own command. */
  command: string[]
  running: boolean
  exitCode: number
  oomKilled: boolean
  /** ISO 8601; the zero time where it never happened. */
  createdAt: string
  startedAt: string
  finishedAt: string
  pid: number
  /** Network name → IP address; empty address where it does not run. */
  addresses: Record<string, string>
}

/**
 * Resolves when a container may be made on the network of this name, to the address that it is to have there;
 * undefined: the engine chooses.
 */
export type BeforeCreate = (network: string) => Promise<string | undefined>

export type Containers = ReturnType<typeof containers>

/** Containers of the engine: a narrow view of the Docker API. */
export function containers(docker: Dockerode, beforeCreate: BeforeCreate) {
  async function inspect(id: string): Promise<ContainerState | undefined> {
    const found = await dockerCall(`inspect ${id}`, () => docker.getContainer(id).inspect(), {
      missing: undefined,
    })
    if (found === undefined) return undefined
    return {
      id: found.Id,
      name: found.Name.replace(/^\//, ''),
      labels: found.Config.Labels,
      image: found.Image,
      command: found.Config.Cmd,
      running: found.State.Running,
      exitCode: found.State.ExitCode,
      oomKilled: found.State.OOMKilled,
      createdAt: found.Created,
      startedAt: found.State.StartedAt,
      finishedAt: found.State.FinishedAt,
      pid: found.State.Pid,
      addresses: Object.fromEntries(
        Object.entries(found.NetworkSettings.Networks).map(([name, network]) => [name, network.IPAddress]),
      ),
    }
  }

  return {
    inspect,

    async create(options: ContainerOptions): Promise<string> {
      const address = await beforeCreate(options.network)
      const created = await dockerCall(`create ${options.name}`, () =>
        docker.createContainer({
          name: options.name,
          Image: options.image,
          ...(options.command && { Cmd: options.command }),
          ...(options.entrypoint && { Entrypoint: options.entrypoint }),
          Env: Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
          Labels: options.labels,
          Tty: options.tty ?? false,
          OpenStdin: options.openStdin ?? false,
          StdinOnce: options.openStdin ?? false,
          ...(options.user !== undefined && { User: options.user }),
          ...(options.stopSignal !== undefined && { StopSignal: options.stopSignal }),
          ...((options.aliases ?? address) !== undefined && {
            NetworkingConfig: {
              EndpointsConfig: {
                [options.network]: {
                  ...(options.aliases && { Aliases: options.aliases }),
                  ...(address !== undefined && { IPAMConfig: { IPv4Address: address } }),
                },
              },
            },
          }),
          ...(options.publish && {
            ExposedPorts: Object.fromEntries(options.publish.map(({ port }) => [`${port}/tcp`, {}])),
          }),
          HostConfig: {
            NetworkMode: options.network,
            // Restarts are the controller's: an address may change, and the router must know.
            RestartPolicy: { Name: 'no' },
            Init: true,
            CapDrop: ['ALL'],
            CapAdd: capabilities,
            SecurityOpt: ['no-new-privileges'],
            Memory: options.memoryBytes,
            MemorySwap: options.memoryBytes,
            PidsLimit: options.pidsLimit,
            Ulimits: [{ Name: 'nofile', Soft: options.openFiles, Hard: options.openFiles }],
            ...(options.cpus !== undefined && { NanoCpus: Math.round(options.cpus * 1e9) }),
            ...(options.cpuShares !== undefined && { CpuShares: options.cpuShares }),
            LogConfig: options.keepLogs === false ? { Type: 'none', Config: {} } : logFiles,
            ...(options.sharedMemoryBytes !== undefined && { ShmSize: options.sharedMemoryBytes }),
            ...(options.volumes && {
              Mounts: options.volumes.map(({ volume, path, readOnly }) => ({
                Type: 'volume' as const,
                Source: volume,
                Target: path,
                ReadOnly: readOnly ?? false,
              })),
            }),
            ...(options.publish && {
              PortBindings: Object.fromEntries(
                options.publish.map(({ address, hostPort, port }) => [
                  `${port}/tcp`,
                  [{ HostIp: address, HostPort: String(hostPort) }],
                ]),
              ),
            }),
          },
        }),
      )
      return created.id
    },

    /** The streams of a container that is not started yet. */
    attach: (id: string, options: { tty: boolean; stdin: boolean }): Promise<Attached> =>
      attachTo(docker, id, options),

    /** Sets the size of a container's terminal; one that has ended is fine. */
    async resize(id: string, { columns, rows }: { columns: number; rows: number }): Promise<void> {
      const container = docker.getContainer(id)
      await dockerCall<unknown>('resize a terminal', () => container.resize({ w: columns, h: rows })).catch(
        () => undefined,
      )
    },

    /** What a running container uses at this moment; undefined where it does not run. `pid`: its first process. */
    async usage(id: string, pid: number | undefined): Promise<Usage | undefined> {
      const seen = pid === undefined ? undefined : await cgroupUsage(id, pid)
      if (seen !== undefined) return seen
      const found = await dockerCall(
        `measure ${id}`,
        () => docker.getContainer(id).stats({ stream: false, 'one-shot': true } as { stream: false }),
        { missing: undefined },
      ).catch(() => undefined)
      if (found === undefined) return undefined
      const { cpu_stats: cpu, memory_stats: memory } = found as Partial<Dockerode.ContainerStats>
      const cache = memory?.stats as { inactive_file?: number; total_inactive_file?: number } | undefined
      const evictable = cache?.inactive_file ?? cache?.total_inactive_file ?? 0
      if (memory?.usage === undefined || cpu === undefined) return undefined
      return {
        cpuNs: cpu.cpu_usage.total_usage,
        memoryBytes: Math.max(0, memory.usage - evictable),
        at: performance.now(),
      }
    },

    start: (id: string): Promise<unknown> => dockerCall(`start ${id}`, () => docker.getContainer(id).start()),

    /** Ids and labels of containers with all of these `name=value` labels, running or not. */
    async list(labels: string[]): Promise<string[]> {
      const found = await dockerCall('list containers', () =>
        docker.listContainers({ all: true, filters: { label: labels } }),
      )
      return found.map(({ Id }) => Id)
    },

    /**
     * Containers with all of these labels, as one call tells them. `endpoints` is another one after every start, and
     * empty where it does not run.
     */
    async summaries(labels: string[]): Promise<{ id: string; running: boolean; endpoints: string }[]> {
      const found = await dockerCall('list containers', () =>
        docker.listContainers({ all: true, filters: { label: labels } }),
      )
      return found.map(({ Id, State, NetworkSettings }) => ({
        id: Id,
        running: State === 'running',
        endpoints: Object.values(NetworkSettings.Networks)
          .map(({ EndpointID }) => EndpointID)
          .filter((endpoint) => endpoint !== '')
          .sort()
          .join(' '),
      }))
    },

    /** SIGTERM, and SIGKILL after `graceSeconds`. A container that has stopped or gone is fine. */
    stop: (id: string, graceSeconds: number): Promise<unknown> =>
      dockerCall(`stop ${id}`, () => docker.getContainer(id).stop({ t: graceSeconds }), {
        missing: undefined,
      }),

    kill: (id: string, signal: string): Promise<unknown> =>
      dockerCall(`kill ${id}`, () => docker.getContainer(id).kill({ signal }), { missing: undefined }),

    /** No error if it is gone, or if somebody else is removing it at this moment. */
    async remove(id: string): Promise<void> {
      await dockerCall(`remove ${id}`, () => docker.getContainer(id).remove({ force: true, v: true }), {
        missing: undefined,
      }).catch((error: unknown) => {
        if (!/is already in progress/.test(messageOf(error))) throw error
      })
    },

    /** Resolves with the exit code once it has exited; rejects when the signal aborts. */
    async wait(id: string, signal?: AbortSignal): Promise<number> {
      const ended = (await dockerCall(`wait for ${id}`, () =>
        docker.getContainer(id).wait({ ...(signal && { abortSignal: signal }) }),
      )) as { StatusCode: number }
      return ended.StatusCode
    },

    /** Output lines with the time the engine saw them. `since` as Unix seconds, fractions allowed. */
    async *logs(
      id: string,
      options: { tail?: number; follow?: boolean; since?: number; signal?: AbortSignal },
    ): AsyncGenerator<{ at: Date; time: string; stream: 'stdout' | 'stderr'; text: string }> {
      const query = {
        stdout: true,
        stderr: true,
        timestamps: true,
        tail: options.tail ?? ('all' as unknown as number),
        ...(options.since !== undefined && { since: options.since }),
      }
      const container = docker.getContainer(id)
      const stream = await dockerCall<EngineStream | Buffer | undefined>(
        `logs of ${id}`,
        async () =>
          options.follow === true
            ? ((await container.logs({ ...query, follow: true })) as EngineStream)
            : await container.logs({ ...query, follow: false }),
        { missing: undefined },
      )
      if (stream !== undefined) yield* demultiplex(stream, options.signal)
    },

    /** Starts a command in a running container, with its streams. */
    run: (id: string, options: ExecOptions): Promise<RunningExec> => startExec(docker, id, options),

    /** The same for one that only prints, and much. */
    read: (id: string, options: Pick<ExecOptions, 'command' | 'env'>): Promise<PipedExec> =>
      startPiped(docker, id, options),

    /** Runs a command in a running container; its output is cut at 64 KiB. */
    async exec(
      id: string,
      command: string[],
      timeoutSeconds: number,
    ): Promise<{ code: number; output: string }> {
      const exec = await dockerCall(`exec in ${id}`, () =>
        docker.getContainer(id).exec({ Cmd: command, AttachStdout: true, AttachStderr: true }),
      )
      const stream = await dockerCall<EngineStream>(`exec in ${id}`, () =>
        exec.start({ hijack: true, stdin: false }),
      )
      const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
      let output = ''
      for await (const line of demultiplex(stream, timeout, { timestamps: false })) {
        if (output.length < 65_536) output += `${line.text}\n`
      }
      stream.destroy()
      const { ExitCode } = await dockerCall(`exec in ${id}`, () => exec.inspect())
      return { code: timeout.aborted ? 124 : (ExitCode ?? 1), output }
    },
  }
}
