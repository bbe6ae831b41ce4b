import { pino } from 'pino'
import { type Platform } from '../../src/apps/platform.ts'
import { createRunningBuilds } from '../../src/deploy/running-builds.ts'
import { openEngine } from '../../src/docker/engine.ts'
import { createQueues } from '../../src/lib/queues.ts'
import { openLogBook } from '../../src/logs/book.ts'
import { Instance } from '../../src/model/instance.ts'
import { createCrashes } from '../../src/schedulers/crashes.ts'
import { dockerLocal } from '../../src/schedulers/docker-local/docker-local.ts'
import { type State } from './redis.ts'

/**
 * A platform on a real Redis and without an engine: what touches containers fails in it, and everything else
 * works as in the controller.
 */
export function platformWithoutEngine({ store, paths }: State): Platform {
  const instance = Instance.parse({
    name: 'paas-test',
    user: 'paas',
    domain: 'paas.test',
    http: { address: '127.0.0.1', port: 80 },
    sshPort: 22,
    network: { bridge: 'paas-test0', subnet: '172.31.0.0/24' },
    dockerSocket: '/nonexistent/docker.sock',
  })
  const engine = openEngine(instance.dockerSocket)
  const parts: Partial<Platform> = {
    instance,
    paths,
    store,
    ensureState: () => Promise.resolve(),
    engine,
    scheduler: dockerLocal(engine, instance),
    crashes: createCrashes(() => performance.now()),
    queues: createQueues(() => new Date()),
    logs: openLogBook(paths.appLogs),
    log: pino({ level: 'silent' }),
    builds: createRunningBuilds(),
    observe: () => undefined,
    now: () => new Date(),
  }
  return parts as Platform
}
