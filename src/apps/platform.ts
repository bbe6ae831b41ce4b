import { type Logger } from 'pino'
import { type InstancePaths } from '../lib/paths.ts'
import { type Queues } from '../lib/queues.ts'
import { type Instance } from '../model/instance.ts'
import { type Scheduler } from '../schedulers/scheduler.ts'
import { type Store } from '../store/store.ts'
import { type Engine } from '../docker/engine.ts'

/** What the domain works with, wired once in main/controller.ts and passed down; never imported as a value. */
export type Platform = {
  instance: Instance
  paths: InstancePaths
  store: Store
  engine: Engine
  scheduler: Scheduler
  /** One queue per app id, and `names` for what creates or renames apps. */
  queues: Queues
  log: Logger
  now: () => Date
}
