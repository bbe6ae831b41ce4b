import { type AppId, type AppName, type ProcessType } from '../model/names.ts'

/** One place of a formation: the nth container of a process type. */
export type Slot = { type: ProcessType; index: number }

export type ContainerSpec = {
  app: { id: AppId; name: AppName }
  release: number
  slot: Slot
  /** Image id. */
  image: string
  /** A shell command line; undefined runs the image's own ENTRYPOINT and CMD. */
  command?: string
  env: Record<string, string>
  /** A one-off is not part of the formation: never restarted, never routed. */
  oneOff?: boolean
  /** What it may use; what is missing has its default. */
  limits?: Limits
  /** Names of the networks that it is on besides the bridge: those of linked services. */
  networks?: string[]
  /** Volumes that outlive it. */
  volumes?: { volume: string; path: string }[]
}

/** What one container may use. Bytes; cores, fractions allowed; weight where cores are scarce (1024 is usual). */
export type Limits = {
  memoryBytes?: number
  cpus?: number
  cpuShares?: number
  pids?: number
}

/** Columns and rows of a terminal. */
export type TerminalSize = { columns: number; rows: number }

/** A process with its streams at the caller. */
export type Interaction = {
  /** Resolves when the bytes are taken: that is the back-pressure. */
  write(bytes: Uint8Array): Promise<void>
  /** Ends its stdin; its output goes on. */
  end(): void
  /** All that it prints, as it comes; ends with it. With a terminal everything is stdout. */
  output(): AsyncIterable<{ stream: 'stdout' | 'stderr'; bytes: Uint8Array }>
  resize(size: TerminalSize): Promise<void>
  kill(signal: NodeJS.Signals): Promise<void>
  /** Its exit code, once `output` has ended. */
  exitCode(): Promise<number>
}

/** A container of ours as the engine sees it. */
export type Container = {
  id: string
  /** `blog.web.1`, with a suffix that makes it unique. */
  name: string
  appId: AppId
  release: number
  slot: Slot
  oneOff: boolean
  /** Its streams are at a caller: it is of no use once that is gone, and its output is in no log. */
  attached: boolean
  /** The shell command line that it runs; undefined: the image's own. */
  command: string | undefined
  running: boolean
  /** Address on the bridge; undefined when it does not run. */
  address: string | undefined
  createdAt: Date
  startedAt: Date | undefined
  finishedAt: Date | undefined
  /** Set once it has exited. */
  exit: { code: number; oomKilled: boolean } | undefined
  image: string
  /** Process id on the host of the container's first process, while it runs. */
  pid: number | undefined
}

/** `time` is RFC 3339 with nanoseconds, `at` the same cut to milliseconds. */
export type LogLine = { at: Date; time: string; stream: 'stdout' | 'stderr'; text: string }

/** Where containers run. Every call is about containers of this instance of `paas` only. */
export type Scheduler = {
  /** Creates and starts a container; resolves when its first process runs. Throws START_FAILED. */
  start(spec: ContainerSpec): Promise<Container>
  /** Starts an exited container again: same files, new address. */
  restart(id: string): Promise<Container>
  /** The container as it is now; undefined when it is gone. */
  inspect(id: string): Promise<Container | undefined>
  /** All containers, one-offs included; of one app where it is named. */
  list(appId?: AppId): Promise<Container[]>
  /** SIGTERM, after `graceSeconds` SIGKILL; the container stays, with its logs. */
  stop(id: string, graceSeconds: number): Promise<void>
  /** SIGTERM, after `graceSeconds` SIGKILL, then removed. No error if it is gone already. */
  remove(id: string, graceSeconds: number): Promise<void>
  /** Lines so far, oldest first; with `follow` until the container ends or the signal aborts. */
  logs(
    id: string,
    options: { tail?: number; follow?: boolean; since?: Date; signal?: AbortSignal },
  ): AsyncIterable<LogLine>
  /** Runs a command in a running container; resolves with its exit code and combined output (at most 64 KiB). */
  exec(id: string, command: string[], timeoutSeconds: number): Promise<{ code: number; output: string }>
  /**
   * What running containers use, measured over a moment: share of one core (1 is a whole one) and bytes of memory.
   * Containers that do not run are missing.
   */
  usage(
    containers: readonly Pick<Container, 'id' | 'pid'>[],
  ): Promise<Map<string, { cpu: number; memoryBytes: number }>>
  /** Runs a shell command line in a running container, with its streams at the caller. */
  interact(id: string, command: string, tty: TerminalSize | undefined): Promise<Interaction>
  /** Starts a one-off with its streams at the caller. The container stays until it is removed. */
  attach(spec: ContainerSpec, tty: TerminalSize | undefined): Promise<Interaction & { container: Container }>
  /** Resolves when the container has exited; rejects when the signal aborts. */
  wait(id: string, signal?: AbortSignal): Promise<{ code: number; oomKilled: boolean }>
}
