import { type Platform } from '../apps/platform.ts'
import { type ContainerEvent } from '../docker/events.ts'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { createLimit } from '../lib/limit.ts'
import { type Service, ServiceId } from '../model/service.ts'
import { bringUp, containersOf, removeContainer, serverOf } from '../services/container.ts'
import { type ServiceContext } from '../services/context.ts'
import { ensureExposure } from '../services/expose.ts'
import { serviceTurn } from '../services/find.ts'
import { stopServer } from '../services/power.ts'
import { removeLeftThrowaways } from '../services/left-throwaways.ts'

/** Starting a database is work for disk and processor; apps wait for theirs anyway. */
const servicesAtOnce = 4
/** Milliseconds until a service that could not be looked at is looked at again. */
const lookAgainAfter = 30_000

export type ServiceKeeper = {
  /** Hears that a container of a service has ended. */
  ended: (event: ContainerEvent) => Promise<void>
  /** One look at all of them; those that are being changed are left to whoever changes them. */
  sweep: () => Promise<void>
}

/** Keeps the servers of services running as they should, with the same back-off as processes of apps. */
export function keepServices(platform: Platform, signal: AbortSignal, until: AbortSignal): ServiceKeeper {
  const waiting = new Set<string>()
  const limit = createLimit(servicesAtOnce)
  const context: ServiceContext = {
    platform,
    signal,
    actor: 'paas',
    report: () => undefined,
    say: () => undefined,
  }

  function look(service: Pick<Service, 'id' | 'name'>): void {
    if (waiting.has(service.id) || until.aborted) return
    const wait = platform.crashes.delay(service.id)
    if (wait === undefined) return
    waiting.add(service.id)
    if (wait > 0) {
      setTimeout(() => {
        waiting.delete(service.id)
        look(service)
      }, wait).unref()
      return
    }
    platform.background(`reconcile the service ${service.name}`, () =>
      limit(async () => {
        try {
          await serviceTurn(service, 'reconcile', { ...context, signal: until }, async (current) => {
            waiting.delete(service.id)
            await makeRight(current, context)
          })
        } catch (error) {
          if (until.aborted || (error instanceof PaasError && error.code === 'SERVICE_NOT_FOUND')) return
          platform.crashes.failed(service.id, 0)
          platform.log.warn(
            { service: service.name, reason: messageOf(error) },
            'the service does not come up',
          )
          setTimeout(() => look(service), platform.crashes.delay(service.id) ?? lookAgainAfter).unref()
        } finally {
          waiting.delete(service.id)
        }
      }),
    )
  }

  return {
    async ended(event) {
      const service = await platform.store.services.get(ServiceId.parse(event.labels['paas.service']))
      if (service === undefined || event.labels['paas.role'] === 'throwaway') return
      // Whoever changes the service has ended it.
      if (platform.queues.current(service.id) !== undefined || !service.running) return
      const dead = await platform.engine.containers.inspect(event.id)
      if (dead !== undefined) {
        platform.log.warn(
          { service: service.name, code: dead.exitCode, oom: dead.oomKilled },
          'a service ended',
        )
        const ran = Date.parse(dead.finishedAt) - Date.parse(dead.startedAt)
        // The first end after a long life is answered at once.
        if (ran < 60_000) platform.crashes.failed(service.id, ran)
      }
      look(service)
    },

    async sweep() {
      const services = await platform.store.services.list()
      for (const service of services) {
        if (platform.queues.current(service.id) !== undefined) continue
        if (!(await isRight(platform, service))) look(service)
      }
      await removeLeftThrowaways(platform)
      await removeOrphans(platform, new Set(services.map(({ id }) => id)))
    },
  }
}

async function isRight(platform: Platform, service: Service): Promise<boolean> {
  const server = await serverOf(platform, service)
  if ((server?.running ?? false) !== service.running) return false
  if (service.exposed === undefined || !service.running) return true
  const [id] = await containersOf(platform, service, 'exposure')
  return id !== undefined && (await platform.engine.containers.inspect(id))?.running === true
}

async function makeRight(service: Service, context: ServiceContext): Promise<void> {
  if (!service.running) return stopServer(service, context)
  await bringUp(service, context)
  await ensureExposure(service, context)
}

/** Containers of services that are no more. Volumes stay: data is only removed when somebody says so. */
async function removeOrphans(platform: Platform, known: ReadonlySet<string>): Promise<void> {
  const { engine, instance, store } = platform
  for (const id of await engine.containers.list([`paas.instance=${instance.name}`, 'paas.service'])) {
    const state = await engine.containers.inspect(id)
    const service = ServiceId.safeParse(state?.labels['paas.service'])
    if (!service.success || known.has(service.data) || state?.labels['paas.role'] === 'throwaway') continue
    // It may have been created since the list was read.
    if ((await store.services.get(service.data)) === undefined) await removeContainer(platform, id, 5)
  }
}
