import { type Service } from '../model/service.ts'
import { bringUp, containersOf, stopGrace } from './container.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'

/** Starts a service that was stopped, and waits until it takes connections. */
export async function startService(service: Service, context: ServiceContext): Promise<void> {
  await serviceTurn(service, 'services:start', context, async (current) => {
    const started = { ...current, running: true }
    await context.platform.store.services.save(started)
    context.platform.crashes.forget(current.id)
    await bringUp(started, context)
  })
}

/** Stops a service until it is started again; its data stays. */
export async function stopService(service: Service, context: ServiceContext): Promise<void> {
  await serviceTurn(service, 'services:stop', context, async (current) => {
    await context.platform.store.services.save({ ...current, running: false })
    await stopServer(current, context)
  })
}

/** Stops and starts a service. */
export async function restartService(service: Service, context: ServiceContext): Promise<void> {
  await serviceTurn(service, 'services:restart', context, async (current) => {
    const started = { ...current, running: true }
    await context.platform.store.services.save(started)
    context.platform.crashes.forget(current.id)
    await stopServer(current, context)
    await bringUp(started, context)
  })
}

export async function stopServer(service: Service, { platform }: ServiceContext): Promise<void> {
  for (const id of await containersOf(platform, service, 'server')) {
    await platform.engine.containers.stop(id, stopGrace)
  }
}
