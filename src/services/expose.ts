import { createServer } from 'node:net'
import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { type Service } from '../model/service.ts'
import { containersOf, removeContainer } from './container.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'
import { ensureImage, imageOf } from './image.ts'
import { ensureNetwork } from './network.ts'
import { datastoreOf } from './registry.ts'

/** Lets clients on the host, or beyond by a public address, reach a service on a port of the host. */
export async function exposeService(
  service: Service,
  wanted: { address: string; port: number | undefined },
  context: ServiceContext,
): Promise<Service> {
  return serviceTurn(service, 'services:expose', context, async (current) => {
    if (current.exposed !== undefined) {
      const { address, port } = current.exposed
      throw new PaasError('SERVICE_EXISTS', `${current.name} is exposed on ${address}:${port} already.`, {
        hint: `paas services:unexpose ${current.name}`,
      })
    }
    const port = await bindable(wanted.address, wanted.port ?? 0)
    const exposed = { ...current, exposed: { address: wanted.address, port } }
    try {
      await ensureExposure(exposed, context)
    } catch (error) {
      await dropExposure(exposed, context)
      throw error
    }
    await context.platform.store.services.save(exposed)
    return exposed
  })
}

export async function unexposeService(service: Service, context: ServiceContext): Promise<void> {
  await serviceTurn(service, 'services:unexpose', context, async (current) => {
    const { exposed, ...closed } = current
    if (exposed === undefined) return
    await context.platform.store.services.save(closed)
    await dropExposure(closed, context)
  })
}

/** A container that hands on what comes to the host's port; it needs no restart of the service itself. */
export async function ensureExposure(service: Service, context: ServiceContext): Promise<void> {
  const { exposed } = service
  if (exposed === undefined) return
  const { platform } = context
  const { engine, instance } = platform
  const label = `${exposed.address}:${exposed.port}`
  for (const id of await containersOf(platform, service, 'exposure')) {
    const state = await engine.containers.inspect(id)
    if (state?.running === true && state.labels['paas.exposed'] === label) return
    await removeContainer(platform, id, 1)
  }
  const datastore = datastoreOf(service)
  await ensureImage(datastore, { image: imageOf(datastore) }, context)
  const id = await engine.containers.create({
    name: `${service.name}.exposure-${randomHex(3)}`,
    image: imageOf(datastore),
    entrypoint: [],
    command: [
      'socat',
      `TCP-LISTEN:${datastore.port},fork,reuseaddr,max-children=256`,
      `TCP:${service.host}:${datastore.port}`,
    ],
    user: 'nobody',
    env: {},
    labels: {
      'paas.instance': instance.name,
      'paas.service': service.id,
      'paas.role': 'exposure',
      'paas.exposed': label,
    },
    network: instance.network.bridge,
    publish: [{ address: exposed.address, hostPort: exposed.port, port: datastore.port }],
    memoryBytes: 64 * 1024 * 1024,
    pidsLimit: 300,
    openFiles: 1024,
  })
  await engine.networks.connect(await ensureNetwork(platform, service), id)
  await engine.containers.start(id)
}

async function dropExposure(service: Service, { platform }: ServiceContext): Promise<void> {
  for (const id of await containersOf(platform, service, 'exposure')) await removeContainer(platform, id, 1)
}

/** The port, or a free one for 0. Throws INVALID_INPUT where the host cannot listen there. */
function bindable(address: string, port: number): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new PaasError(
          'INVALID_INPUT',
          `The host cannot listen on ${address}:${port}: ${error.code ?? error.message}.`,
          {
            hint: 'Choose another --port or --address, or leave them out.',
          },
        ),
      ),
    )
    server.listen({ host: address, port }, () => {
      const found = server.address()
      server.close(() => resolve(typeof found === 'object' && found !== null ? found.port : port))
    })
  })
}
