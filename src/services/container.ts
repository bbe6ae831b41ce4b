import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Platform } from '../apps/platform.ts'
import { type ContainerState } from '../docker/containers.ts'
import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { openFilesLimit } from '../lib/open-files.ts'
import { networkOf, type Service, volumeOf } from '../model/service.ts'
import { accessOf, allAccess } from './access.ts'
import { type ServiceContext } from './context.ts'
import { ensureImage } from './image.ts'
import { ensureNetwork } from './network.ts'
import { notRunning } from './not-running.ts'
import { datastoreOf } from './registry.ts'
import { runOrFail, runStep } from './run.ts'
import { type Datastore } from './service.ts'

/** Seconds between the stop signal and SIGKILL: a database writes out what it holds. */
export const stopGrace = 30
/** Milliseconds until a server must take connections. */
const readyLimit = 90_000
const pidsLimit = 1024
const mostOpenFiles = 65_536

/** What a container is, on the container itself. */
export type Role = 'server' | 'exposure' | 'throwaway'

const labelsOf = (platform: Platform, service: Service, role: Role): Record<string, string> => ({
  'paas.instance': platform.instance.name,
  'paas.service': service.id,
  'paas.role': role,
})

/** Ids of a service's containers in one role. */
export const containersOf = (
  platform: Platform,
  service: Pick<Service, 'id'>,
  role: Role,
): Promise<string[]> =>
  platform.engine.containers.list([
    `paas.instance=${platform.instance.name}`,
    `paas.service=${service.id}`,
    `paas.role=${role}`,
  ])

/** The server's container as it is now, running or not. */
export async function serverOf(platform: Platform, service: Service): Promise<ContainerState | undefined> {
  const ids = await containersOf(platform, service, 'server')
  const found = await Promise.all(ids.map((id) => platform.engine.containers.inspect(id)))
  const network = networkOf(platform.instance.name, service.id)
  // An upgrade that was cut off may have left it off its network.
  return found.find((state) => state?.labels['paas.spec'] === specOf(service) && network in state.addresses)
}

/** Its id. Throws SERVICE_FAILED while it does not run. */
export async function runningServer(platform: Platform, service: Service): Promise<string> {
  const server = await serverOf(platform, service)
  if (server?.running === true) return server.id
  throw notRunning(service, platform.crashes.delay(service.id))
}

/** Everything that a container cannot change while it runs; another value means another container. */
function specOf({ current, memoryBytes, settings }: Service): string {
  return createHash('sha256')
    .update(JSON.stringify([current.number, current.image, memoryBytes, Object.entries(settings).sort()]))
    .digest('hex')
    .slice(0, 16)
}

/**
 * Makes the service's server run as it is stored, and resolves to its container when it takes connections. What is
 * right already stays; a container of another make is replaced. Throws SERVICE_FAILED with its last lines.
 */
export async function bringUp(service: Service, context: ServiceContext): Promise<string> {
  const { platform } = context
  const { engine } = platform
  const network = await ensureNetwork(platform, service)
  const there = await serverOf(platform, service)
  for (const id of await containersOf(platform, service, 'server')) {
    if (id !== there?.id) await removeContainer(platform, id)
  }
  const id =
    there?.id ??
    (await createContainer(service, context, {
      role: 'server',
      network,
      volume: volumeOf(platform.instance.name, service.id, service.current.number),
      aliases: [service.host],
      labels: { 'paas.spec': specOf(service) },
    }))
  if (there?.running !== true) await engine.containers.start(id)
  await settle(service, id, context)
  return id
}

export type ContainerPlan = {
  role: Role
  network: string
  volume: string
  aliases: string[]
  labels: Record<string, string>
}

/** Creates a container of the service's make, and its image where that is not there; nothing runs yet. */
export async function createContainer(
  service: Service,
  context: ServiceContext,
  plan: ContainerPlan,
): Promise<string> {
  const { platform } = context
  const { engine } = platform
  const datastore = datastoreOf(service)
  const image = await ensureImage(datastore, service.current, context)
  const { dataFolder, sharedMemoryBytes } = datastore
  const labels = { ...labelsOf(platform, service, plan.role), ...plan.labels }
  if (dataFolder !== undefined) await engine.volumes.ensure(plan.volume, labels)
  return engine.containers.create({
    name: `${service.name}.${service.kind}-${randomHex(3)}`,
    image,
    entrypoint: [],
    command: datastore.start(service),
    env: datastore.env,
    labels,
    network: plan.network,
    aliases: plan.aliases,
    user: service.current.user ?? datastore.user,
    stopSignal: datastore.stopSignal,
    memoryBytes: service.memoryBytes,
    pidsLimit,
    openFiles: Math.min(mostOpenFiles, (await openFilesLimit('self')) ?? mostOpenFiles),
    ...(dataFolder !== undefined && { volumes: [{ volume: plan.volume, path: dataFolder }] }),
    ...(sharedMemoryBytes !== undefined && { sharedMemoryBytes }),
  })
}

/** Waits until a started server takes connections, and makes its users and databases what they should be. */
export async function settle(service: Service, id: string, context: ServiceContext): Promise<void> {
  const { engine, store } = context.platform
  const datastore = datastoreOf(service)
  const access = accessOf(service, store.secrets)
  if (datastore.prepare !== undefined) {
    await runOrFail(engine, id, datastore.prepare(access), `prepare ${service.name}`).catch(
      (error: unknown) => orEnded(service, id, context, error),
    )
  }
  await awaitReady(service, id, datastore, context)
  if (datastore.provision === undefined) return
  for (const each of allAccess(service, store.secrets)) {
    await runOrFail(engine, id, datastore.provision(each), `set up the database ${each.database}`)
  }
}

async function awaitReady(
  service: Service,
  id: string,
  datastore: Datastore,
  context: ServiceContext,
): Promise<void> {
  const { engine, store } = context.platform
  const ready = datastore.ready(accessOf(service, store.secrets))
  const deadline = performance.now() + readyLimit
  for (let wait = 25; ; wait = Math.min(wait * 1.5, 500)) {
    context.signal.throwIfAborted()
    const answer = await runStep(engine, id, ready).catch((error: unknown) =>
      orEnded(service, id, context, error),
    )
    if (answer.code === 0) return
    if (performance.now() > deadline) {
      const said = answer.stderr.trim() || answer.stdout.trim()
      throw new PaasError(
        'SERVICE_FAILED',
        `${service.name} takes no connections after ${readyLimit / 1000} s: ${said}`,
        { hint: `What it prints: paas services:logs ${service.name}` },
      )
    }
    await sleep(wait, undefined, { signal: context.signal })
  }
}

/** A command fails in a container that has ended: then its end is the news, with its last words. */
async function orEnded(
  service: Service,
  id: string,
  { platform }: ServiceContext,
  error: unknown,
): Promise<never> {
  const state = await platform.engine.containers.inspect(id)
  if (state?.running !== false) throw error
  const lines: string[] = []
  for await (const { text } of platform.engine.containers.logs(id, { tail: 10 })) lines.push(text)
  const reason = state.oomKilled ? 'ran out of memory' : `ended with code ${state.exitCode}`
  throw new PaasError('SERVICE_FAILED', `${service.name} ${reason}:\n${lines.join('\n')}`)
}

/** Stops a container in peace and removes it. */
export async function removeContainer({ engine }: Platform, id: string, grace = stopGrace): Promise<void> {
  await engine.containers.stop(id, grace)
  await engine.containers.remove(id)
}
