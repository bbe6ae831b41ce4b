import { PaasError } from '../errors/paas-error.ts'
import { type Service, type ServiceName } from '../model/service.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'

/** Gives a service another name. Apps go on finding it by the host and the database of before. */
export async function renameService(
  service: Service,
  name: ServiceName,
  context: ServiceContext,
): Promise<Service> {
  const { queues, store } = context.platform
  return serviceTurn(service, 'services:rename', context, (current) =>
    queues.run('names', { owner: context.actor, verb: 'services:rename' }, async () => {
      if (current.name === name) return current
      if ((await store.services.find(name)) !== undefined) {
        throw new PaasError('SERVICE_EXISTS', `There is a service named ${name} already.`, {
          hint: 'What there is: paas services:list',
        })
      }
      const renamed = { ...current, name }
      await store.services.rename(renamed, current.name)
      return renamed
    }),
  )
}
