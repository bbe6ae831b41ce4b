import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type Service, ServiceName } from '../model/service.ts'
import { type ServiceContext } from './context.ts'

/** The service of a name. Throws SERVICE_NOT_FOUND. */
export async function findService({ store }: Platform, name: string): Promise<Service> {
  const parsed = ServiceName.safeParse(name)
  const found = parsed.success ? await store.services.find(parsed.data) : undefined
  if (found !== undefined) return found
  throw new PaasError('SERVICE_NOT_FOUND', `There is no service named ${JSON.stringify(name)}.`, {
    hint: 'What there is: paas services:list',
  })
}

/**
 * Runs a change of a service alone, in the order asked; the task gets the service as it is when its turn comes.
 * Whoever also needs an app's queue takes the service's first.
 */
export function serviceTurn<T>(
  service: Pick<Service, 'id' | 'name'>,
  verb: string,
  { platform, actor, signal, report }: ServiceContext,
  task: (current: Service) => Promise<T>,
): Promise<T> {
  const who = {
    owner: actor,
    verb,
    signal,
    onWait: (ahead: { owner: string; verb: string; since: Date }) =>
      report({ type: 'queue:waiting', ...ahead }),
  }
  return platform.queues.run(service.id, who, async () => {
    const current = await platform.store.services.get(service.id)
    if (current !== undefined) return task(current)
    throw new PaasError('SERVICE_NOT_FOUND', `The service ${service.name} has been destroyed meanwhile.`)
  })
}
