import { refuseBeyondMachine } from '../deploy/machine.ts'
import { PaasError } from '../errors/paas-error.ts'
import { randomHex, randomId } from '../lib/ids.ts'
import { type Service, ServiceId, type ServiceName } from '../model/service.ts'
import { bringUp } from './container.ts'
import { type ServiceContext } from './context.ts'
import { removeAll } from './destroy.ts'
import { identifierOf } from './identifier.ts'
import { dropImage, imageOf, takeImage } from './image.ts'
import { runOrFail } from './run.ts'
import { type Datastore } from './service.ts'
import { checkSettings } from './settings.ts'
import { versionIn } from './version.ts'

export type NewService = {
  datastore: Datastore
  name: ServiceName
  /** A tag; undefined: our own image. */
  image?: string
  memoryBytes?: number
  settings?: Record<string, string>
}

/**
 * Makes a service and resolves when it takes connections and `fill` has put in what it is to start with. Throws
 * SERVICE_EXISTS; a failure leaves nothing.
 */
export async function createService(
  wanted: NewService,
  context: ServiceContext,
  fill: (service: Service, container: string) => Promise<void> = async () => undefined,
): Promise<Service> {
  const { platform, say } = context
  const { datastore, name } = wanted
  checkSettings(wanted.settings ?? {}, wanted.memoryBytes)
  await refuseBeyondMachine({ memoryBytes: wanted.memoryBytes }, platform)
  const service = await platform.queues.run(
    'names',
    { owner: context.actor, verb: 'services:create' },
    async () => {
      if ((await platform.store.services.find(name)) !== undefined) {
        throw new PaasError('SERVICE_EXISTS', `There is a service named ${name} already.`, {
          hint: 'Choose another name. What there is: paas services:list',
        })
      }
      const made = draft(wanted, context)
      await platform.store.services.create(made)
      return made
    },
  )
  const who = { owner: context.actor, verb: 'services:create', signal: context.signal }
  return platform.queues.run(service.id, who, async () => {
    let brought = false
    try {
      const image = await takeImage(datastore, service.current.image, context)
      brought = image.brought
      const made = { ...service, current: { ...service.current, ...image.chosen } }
      await platform.store.services.save(made)
      say(`Starting ${datastore.title} as ${name}`)
      const id = await bringUp(made, context)
      await fill(made, id)
      const version = await versionOf(datastore, id, context)
      const ready = { ...made, current: { ...made.current, version } }
      await platform.store.services.save(ready)
      return ready
    } catch (error) {
      await removeAll(service, platform)
      if (brought) await dropImage(service.current.image, platform)
      throw error
    }
  })
}

/** A service that is stored nowhere. */
export function draft(
  { datastore, name, image, memoryBytes, settings }: NewService,
  { platform, actor }: ServiceContext,
): Service {
  const id = ServiceId.parse(randomId('s'))
  const identifier = identifierOf(name)
  const { secrets } = platform.store
  return {
    id,
    name,
    kind: datastore.kind,
    createdAt: platform.now().toISOString(),
    createdBy: actor,
    host: `${name}-${id.slice(1, 6)}`,
    running: true,
    current: { number: 1, image: image ?? imageOf(datastore), version: '' },
    memoryBytes: memoryBytes ?? datastore.memoryBytes,
    settings: settings ?? {},
    database: identifier,
    user: identifier,
    secrets: {
      PASSWORD: secrets.seal(id, 'PASSWORD', randomHex(32)),
      ADMIN: secrets.seal(id, 'ADMIN', randomHex(32)),
    },
    links: [],
  }
}

/** The version of a server that runs. */
export async function versionOf(
  datastore: Datastore,
  container: string,
  { platform }: ServiceContext,
): Promise<string> {
  const text = await runOrFail(platform.engine, container, datastore.version, 'ask for the version')
  return versionIn(text)
}
