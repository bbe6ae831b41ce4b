import { PaasError } from '../errors/paas-error.ts'
import { type Service, type ServiceName } from '../model/service.ts'
import { accessOf } from './access.ts'
import { runningServer } from './container.ts'
import { type ServiceContext } from './context.ts'
import { createService } from './create.ts'
import { serviceTurn } from './find.ts'
import { datastoreOf } from './registry.ts'
import { printed, runOrFail, startPrinting } from './run.ts'
import { type Access, type Data, type Datastore } from './service.ts'

/** How a service's data leaves and enters. Throws INVALID_INPUT for one that keeps none. */
export function dataOf(datastore: Datastore): Data {
  if (datastore.data !== undefined) return datastore.data
  throw new PaasError('INVALID_INPUT', `${datastore.title} keeps nothing that could be saved.`)
}

/** A consistent copy of a database as it comes; ends with an error unless all of it came. */
export async function* dumpOf(
  service: Service,
  access: Access,
  { platform, signal }: Pick<ServiceContext, 'platform' | 'signal'>,
  container?: string,
): AsyncGenerator<Buffer> {
  const { dump } = dataOf(datastoreOf(service))
  const from = container ?? (await runningServer(platform, service))
  yield* printed(() => startPrinting(platform.engine, from, dump(access), `dump ${service.name}`, signal))
}

/** The service's own database, for `services:export`. */
export const exportService = (service: Service, context: ServiceContext): AsyncGenerator<Buffer> =>
  dumpOf(service, accessOf(service, context.platform.store.secrets), context)

/** Replaces the service's database by a dump; what is no dump, or ends early, leaves it as it was. */
export async function importInto(
  service: Service,
  input: AsyncIterable<Uint8Array>,
  context: ServiceContext,
): Promise<void> {
  await serviceTurn(service, 'services:import', context, async (current) => {
    await restoreInto(current, await runningServer(context.platform, current), undefined, input, context)
  })
}

/** Loads a dump into a container of the service; undefined access: the service's own database. */
export async function restoreInto(
  service: Service,
  container: string,
  access: Access | undefined,
  input: AsyncIterable<Uint8Array>,
  { platform, signal }: Pick<ServiceContext, 'platform' | 'signal'>,
): Promise<void> {
  const { restore } = dataOf(datastoreOf(service))
  const step = restore(access ?? accessOf(service, platform.store.secrets))
  await runOrFail(
    platform.engine,
    container,
    step,
    `load the data into ${service.name}, which is as it was`,
    {
      input,
      signal,
    },
  )
}

/** Makes another service of the same make with a copy of the data. A failure leaves no new service. */
export async function cloneService(
  service: Service,
  name: ServiceName,
  context: ServiceContext,
): Promise<Service> {
  const datastore = datastoreOf(service)
  dataOf(datastore)
  const { image } = service.current
  const { memoryBytes, settings } = service
  const wanted = { datastore, name, image, memoryBytes, settings }
  return createService(wanted, context, async (created, container) => {
    context.say(`Copying the data of ${service.name}`)
    await restoreInto(created, container, undefined, exportService(service, context), context)
  })
}
