import { setTimeout as sleep } from 'node:timers/promises'
import { hostsOf } from '../apps/hosts.ts'
import { type Platform } from '../apps/platform.ts'
import { appQueue } from '../apps/queue.ts'
import { type DeployContext } from '../deploy/context.ts'
import { type ContainerEvent } from '../docker/events.ts'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { createLimit } from '../lib/limit.ts'
import { type LogLine, paasLine } from '../logs/line.ts'
import { AppId } from '../model/names.ts'
import { type Container, type Slot } from '../schedulers/scheduler.ts'
import { sameSlot, slotsOf } from '../deploy/formation.ts'
import { slotKey } from '../deploy/slot-key.ts'
import { reconcileApp, stepsOf } from './app.ts'
import { removeOrphanImages, removeUnreleasedImages } from './leftovers.ts'
import { keepServices, type ServiceKeeper } from './services.ts'

/** Milliseconds between two looks at everything, for what no event told. */
const sweepEvery = 30_000
/** Milliseconds in which a router gives a connection up that nobody answers: its 5 s, and some. */
const connectLimit = 6_000
/** After a restart of the machine all apps want to start; all at once, none would be up in time. */
const appsAtOnce = 8

export type ReconcilerOptions = {
  platform: Platform
  /** Brings the engine to where containers can run: its API version, the bridge, the firewall. */
  prepareEngine: () => Promise<void>
  /** Called when no router leads to anything that is gone: containers may start. */
  engineReady: () => void
  /** Throws when the state is not the one that this instance wrote: then nothing may be removed. */
  verifyState: () => Promise<void>
  events: (signal: AbortSignal) => AsyncIterable<ContainerEvent>
  signal: AbortSignal
}

/**
 * Keeps what runs equal to what should run: everything at the start and whenever the engine or Redis come
 * back, one app when one of its containers ends, and a sweep now and then. Ends with the signal.
 */
export async function runReconciler(options: ReconcilerOptions): Promise<void> {
  const { platform, signal } = options
  const ended = (): boolean => signal.aborted
  while (!ended()) {
    try {
      await options.verifyState()
      await options.prepareEngine()
      await ejectAllGone(platform)
      options.engineReady()
      await watch(options)
    } catch (error) {
      if (ended()) return
      platform.log.warn({ reason: messageOf(error) }, 'cannot reconcile now')
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined)
  }
}

/** Follows the engine's events until it goes away. Listening starts before the first sweep: nothing is missed. */
async function watch(options: ReconcilerOptions): Promise<void> {
  const { platform, signal } = options
  const session = new AbortController()
  const until = AbortSignal.any([signal, session.signal])
  const looker = createLooker(options, until)
  const services = keepServices(platform, signal, until)
  const sweeping = sweepRegularly(options, looker, services, until)
  platform.background('remove images without a release', () => removeUnreleasedImages(platform, until))
  try {
    for await (const event of options.events(until)) {
      if (event.action === 'die' && event.labels['paas.service'] !== undefined) {
        platform.background('follow a service that ended', () => services.ended(event))
      }
      if (event.action !== 'die' || event.labels['paas.app'] === undefined) continue
      platform.background('follow a container that ended', () => onDeath(options, looker, event))
    }
  } finally {
    session.abort()
    await sweeping
  }
}

type Look = (app: Pick<App, 'id' | 'name'>) => void

/** Looks at apps one at a time each; while one waits in its queue, further reasons to look are the same look. */
function createLooker({ platform, signal }: ReconcilerOptions, until: AbortSignal): Look {
  const waiting = new Set<string>()
  const limit = createLimit(appsAtOnce)
  const context: DeployContext = {
    platform,
    signal,
    actor: 'paas',
    report: (event) => {
      if (event.type === 'container:failed') platform.log.warn(event, 'a container failed')
    },
  }
  const look: Look = (app) => {
    if (waiting.has(app.id) || until.aborted) return
    waiting.add(app.id)
    platform.background(`reconcile ${app.name}`, async () => {
      const who = { owner: 'paas', verb: 'reconcile', signal: until }
      const next = await appQueue(platform, app, who, (current) => {
        waiting.delete(app.id)
        return limit(() => reconcileApp(context, current))
      })
        .catch((error: unknown) => {
          if (until.aborted || (error instanceof PaasError && error.code === 'APP_NOT_FOUND'))
            return undefined
          platform.log.error({ app: app.name, reason: messageOf(error) }, 'reconcile failed')
          return sweepEvery
        })
        .finally(() => waiting.delete(app.id))
      if (next === undefined) return
      setTimeout(() => look(app), next).unref()
    })
  }
  return look
}

/** Takes the container out of the routes at once, then brings the app back to what it should be. */
async function onDeath({ platform }: ReconcilerOptions, look: Look, event: ContainerEvent): Promise<void> {
  const app = await platform.store.apps.get(AppId.parse(event.labels['paas.app']))
  if (app === undefined) return
  const containers = await platform.scheduler.list(app.id)
  await ejectGone(platform, app, containers)
  const dead = containers.find(({ id }) => id === event.id)
  const release =
    dead?.release === app.currentRelease
      ? await platform.store.releases.get(app.id, dead!.release)
      : undefined
  // What was stopped, scaled away or replaced has not failed.
  if (
    dead?.startedAt &&
    dead.finishedAt &&
    release &&
    isMissed(dead, slotsOf(app, release.image), containers)
  ) {
    const slot = slotKey({ app, release }, dead.slot)
    if (!platform.crashes.isTrying(slot, dead.id)) {
      platform.crashes.failed(slot, Number(dead.finishedAt) - Number(dead.startedAt))
    }
    await platform.logs.write(app.id, [whyItEnded(dead, platform.now())])
  }
  look(app)
}

/** Nobody has ended it: its place is wanted, and nothing else runs there. Pure. */
function isMissed({ oneOff, slot }: Container, wanted: Slot[], containers: Container[]): boolean {
  const isReplaced = containers.some((one) => one.running && !one.oneOff && sameSlot(one.slot, slot))
  return !oneOff && !isReplaced && wanted.some((place) => sameSlot(place, slot))
}

function whyItEnded({ slot, exit }: Container, now: Date): LogLine {
  const name = `${slot.type}.${slot.index}`
  const why =
    exit?.oomKilled === true ? `ran out of memory (code ${exit.code})` : `exited with code ${exit?.code}`
  return paasLine(now, name, `${name} ${why}; it is started again`)
}

/**
 * After a restart of the engine the addresses of what has ended are given out anew. Whoever asks one app must not
 * reach another one's container, so before anything is started all routers have forgotten them, and given up the
 * requests that still try to connect to one.
 */
async function ejectAllGone(platform: Platform): Promise<void> {
  const { store, scheduler } = platform
  const [apps, containers] = await Promise.all([store.apps.list(), scheduler.list()])
  const byApp = Map.groupBy(containers, ({ appId }) => appId)
  const ejected = await Promise.all(apps.map((app) => ejectGone(platform, app, byApp.get(app.id) ?? [])))
  const backends = ejected.flatMap((one) => one.backends)
  if (backends.length === 0) return
  const version = Math.max(...ejected.map((one) => one.version))
  await store.routes.awaitSwitch({ version, backends, drainTimeoutMs: connectLimit })
}

type Ejected = { backends: string[]; version: number }

/** Routes must not name an address that none of the app's containers has. */
async function ejectGone({ store, instance }: Platform, app: App, containers: Container[]): Promise<Ejected> {
  const hosts = hostsOf(app, instance.domain)
  const route = await store.routes.get(hosts[0]!)
  const alive = new Set(containers.flatMap(({ address }) => address ?? []))
  const backends = (route?.backends ?? []).filter((backend) => !alive.has(new URL(backend).hostname))
  let version = 0
  for (const backend of backends) version = await store.routes.eject(hosts, backend)
  return { backends, version }
}

async function sweepRegularly(
  options: ReconcilerOptions,
  look: Look,
  services: ServiceKeeper,
  until: AbortSignal,
): Promise<void> {
  while (!until.aborted) {
    try {
      // First, as apps need them. What follows must not suffer from what is wrong with a service.
      await services
        .sweep()
        .catch((error: unknown) =>
          options.platform.log.warn({ reason: messageOf(error) }, 'the sweep of services failed'),
        )
      await sweep(options, look)
    } catch (error) {
      options.platform.log.warn({ reason: messageOf(error) }, 'the sweep failed')
    }
    await sleep(sweepEvery, undefined, { signal: until }).catch(() => undefined)
  }
}

/** One look at everything; apps that are being changed are left to whoever changes them. */
async function sweep({ platform, verifyState }: ReconcilerOptions, look: Look): Promise<void> {
  await verifyState()
  const [apps, containers] = await Promise.all([platform.store.apps.list(), platform.scheduler.list()])
  const byApp = Map.groupBy(containers, ({ appId }) => appId)
  for (const app of apps) {
    if (platform.queues.current(app.id) !== undefined) continue
    if ((await stepsOf(platform, app, byApp.get(app.id) ?? [])).length > 0) look(app)
  }
  const known = new Set(apps.map(({ id }) => id))
  const orphans = containers.filter(({ appId }) => !known.has(appId))
  for (const orphan of orphans) {
    // An app may have been created since the list was read.
    if ((await platform.store.apps.get(orphan.appId)) === undefined)
      await platform.scheduler.remove(orphan.id, 5)
  }
  await removeOrphanImages(platform, known)
}
