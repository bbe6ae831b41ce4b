import { type Platform } from '../../apps/platform.ts'
import { type Identity } from '../../model/key.ts'
import { type Service } from '../../model/service.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { type ServiceContext } from '../../services/context.ts'
import { appsOf } from '../../services/destroy.ts'
import { findService } from '../../services/find.ts'
import { type CommandContext } from '../define.ts'
import { deployContext } from '../deploying.ts'

/** A command's context for what is done with services: its progress goes to the caller's stderr. */
export function serviceContext(context: CommandContext): ServiceContext {
  return { ...deployContext(context), say: (line) => void context.io.stderr(`-----> ${line}\n`) }
}

/** A key of some apps has to do with the services of those apps alone. */
export async function mayTouch(identity: Identity, service: Service, platform: Platform): Promise<boolean> {
  const own = identity.via === 'ssh' ? identity.key.apps : undefined
  if (own === undefined) return true
  const users = await appsOf(service, platform)
  return users.length > 0 && users.every(({ name }) => own.includes(name))
}

/** The service of a name that the caller may touch. Throws SERVICE_NOT_FOUND, for somebody else's too. */
export async function serviceOf(name: string, { platform, identity }: CommandContext): Promise<Service> {
  const service = await findService(platform, name)
  if (await mayTouch(identity, service, platform)) return service
  throw new PaasError('SERVICE_NOT_FOUND', `There is no service named ${JSON.stringify(name)}.`, {
    hint: 'What there is: paas services:list',
  })
}
