import { type Readable } from 'node:stream'
import { type Logger } from 'pino'
import { type Buildpack } from '../build/buildpack.ts'
import { type App } from '../model/app.ts'
import { type DeployEvent } from '../model/deploy-event.ts'
import { type RunningBuilds } from '../deploy/running-builds.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { type LogBook } from '../logs/book.ts'
import { type DrainKeeper } from '../logs/drain-keeper.ts'
import { type Queues } from '../lib/queues.ts'
import { type Instance } from '../model/instance.ts'
import { type Crashes } from '../schedulers/crashes.ts'
import { type Scheduler } from '../schedulers/scheduler.ts'
import { type Store } from '../store/store.ts'
import { type Engine } from '../docker/engine.ts'

/** What the domain works with, wired once in main/controller.ts and passed down; never imported as a value. */
export type Platform = {
  instance: Instance
  paths: InstancePaths
  store: Store
  /** Throws STATE_CORRUPT where Redis has lost its data: what it says then is not what is so. */
  ensureState: () => Promise<void>
  engine: Engine
  scheduler: Scheduler
  /** What keeps failing, and when it is tried again. */
  crashes: Crashes
  /** What builds apps: the folders in buildpacks/, and those that `buildpacks:add` brought. Read anew each time. */
  buildpacks: () => Promise<Buildpack[]>
  /** The files of a commit that was pushed to an app before, as a tar. */
  archive: (app: App, commit: string) => Readable
  /** The id of the pushed commit that a branch, a tag or a shortened id stands for. Throws NOT_FOUND. */
  commitOf: (app: App, name: string) => Promise<string>
  /** The files of somebody else's repository (`url#ref`), as a tar. */
  clone: (url: string, signal: AbortSignal) => AsyncIterable<Buffer>
  /** One queue per app id, and `names` for what creates or renames apps. */
  queues: Queues
  /** What apps and paas itself say, on disk. */
  logs: LogBook
  /** What sends logs to other places. */
  drains: DrainKeeper
  /** Builds that run now. */
  builds: RunningBuilds
  log: Logger
  /** Hears everything that happens in any deploy. */
  observe: (event: DeployEvent) => void
  /** Runs what nobody waits for; its failure is logged, and a stopping controller waits for it a while. */
  background: (what: string, task: () => Promise<void>) => void
  now: () => Date
}
