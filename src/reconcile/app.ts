import { isDeepStrictEqual } from 'node:util'
import { hostsOf } from '../apps/hosts.ts'
import { type Platform } from '../apps/platform.ts'
import { appQueue } from '../apps/queue.ts'
import { startOne } from '../deploy/candidates.ts'
import { proveOne } from '../deploy/check.ts'
import { type DeployContext } from '../deploy/context.ts'
import { configOf, portOf } from '../deploy/environment.ts'
import { isWeb } from '../deploy/formation.ts'
import { pruneAfterRelease } from '../deploy/retention.ts'
import { retire } from '../deploy/retire.ts'
import { slotKey } from '../deploy/slot-key.ts'
import { type Released } from '../deploy/stages.ts'
import { backendOf, routesOf } from '../deploy/switch.ts'
import { messageOf } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { type Container } from '../schedulers/scheduler.ts'
import { planSteps, type Step } from './plan.ts'

/** What differs between what should run of an app and what does; empty where nothing does. */
export async function stepsOf(platform: Platform, app: App, containers: Container[]): Promise<Step[]> {
  const { store, instance } = platform
  const releases = await store.releases.list(app.id)
  const release = releases.find(({ version }) => version === app.currentRelease)
  const route = await store.routes.get(hostsOf(app, instance.domain)[0]!)
  const port = release === undefined ? 0 : portOfRelease(platform, app, release)
  const pending = releases.filter(({ status }) => status === 'pending')
  return planSteps(
    { app, release, port },
    { containers, backends: route?.backends, pending, now: platform.now() },
  )
}

/**
 * Makes what runs of an app what should run; the caller holds the app's queue. A slot that fails does not
 * stop the others. Resolves to the milliseconds after which a failed slot may be tried again; undefined where
 * there is nothing to wait for.
 */
export async function reconcileApp(context: DeployContext, app: App): Promise<number | undefined> {
  const { platform } = context
  const steps = await stepsOf(platform, app, await platform.scheduler.list(app.id))
  if (steps.length === 0) return undefined
  platform.log.debug({ app: app.name, steps: steps.map((step) => step.do) }, 'reconcile')
  const died = steps.flatMap((step) => (step.do === 'settle' ? [step.release] : []))
  for (const release of died) await settle(platform, app, release)
  const next = await bringUp(context, app, steps)
  const useless = steps.flatMap((step) => (step.do === 'retire' ? [step.container] : []))
  if (useless.length > 0 || died.length > 0) {
    platform.background(`retire what ${app.name} does not need`, async () => {
      await retireAll(context, app, useless)
      if (died.length > 0) await pruneInTurn(context, app)
    })
  }
  return next
}

/** A deploy that died with the controller has failed. */
async function settle({ store }: Platform, app: App, release: Release): Promise<void> {
  await store.releases.save(app.id, {
    ...release,
    status: 'failed',
    reason: 'interrupted: the controller stopped',
  })
}

/** Images can be removed when no container uses them any more, and only in the app's turn. */
async function pruneInTurn({ platform, signal }: DeployContext, app: App): Promise<void> {
  await appQueue(platform, app, { owner: 'paas', verb: 'reconcile', signal }, (current) =>
    pruneAfterRelease(current, { platform }),
  )
}

async function bringUp(context: DeployContext, app: App, steps: Step[]): Promise<number | undefined> {
  if (app.currentRelease === undefined) return undefined
  const release = await context.platform.store.releases.get(app.id, app.currentRelease)
  if (release === undefined) return undefined
  const released = { app, release }
  const { crashes } = context.platform
  const refused = new Set<string>()
  const waits: number[] = []
  await Promise.all(
    steps.map(async (step) => {
      if (step.do !== 'fill' && step.do !== 'admit') return
      const slot = step.do === 'fill' ? step.slot : step.container.slot
      const key = slotKey(released, slot)
      const wait = step.do === 'fill' ? crashes.delay(key) : 0
      if (wait === undefined) return
      if (wait > 0) return void waits.push(wait)
      const failed = await tryOne(context, released, step, refused)
      if (!failed) return
      crashes.failed(key, 0)
      waits.push(crashes.delay(key) ?? 0)
    }),
  )
  if (steps.some((step) => step.do === 'route')) await route(context, released, refused)
  return waits.length === 0 ? undefined : Math.min(...waits)
}

/** Starts (or just checks) one container; true if it failed. One that runs but is not healthy is stopped. */
async function tryOne(
  context: DeployContext,
  released: Released,
  step: Step & { do: 'fill' | 'admit' },
  refused: Set<string>,
): Promise<boolean> {
  const { scheduler, log, crashes } = context.platform
  const key = slotKey(released, step.do === 'fill' ? step.slot : step.container.slot)
  let container: Container | undefined
  try {
    container =
      step.do === 'admit'
        ? step.container
        : step.exited === undefined
          ? await startOne(released, step.slot, context)
          : await scheduler.restart(step.exited.id)
    crashes.trying(key, container.id)
    await proveOne(container, released, context)
    crashes.proven(key)
    return false
  } catch (error) {
    log.warn({ app: released.app.name, container: container?.name, reason: messageOf(error) }, 'not healthy')
    if (container !== undefined) {
      refused.add(container.id)
      await scheduler.stop(container.id, 5)
    }
    return true
  }
}

/** Points the app's routes at the healthy web containers of its current release. */
async function route(
  context: DeployContext,
  { app, release }: Released,
  refused: Set<string>,
): Promise<void> {
  const { scheduler, store, instance } = context.platform
  const healthy = (await scheduler.list(app.id)).filter(
    (c) => !c.oneOff && c.running && c.release === release.version && !refused.has(c.id),
  )
  const port = portOfRelease(context.platform, app, release)
  const wanted = routesOf(app, healthy, port, instance.domain)
  const there = await Promise.all(wanted.map(({ host }) => store.routes.get(host)))
  const changed = wanted.filter((route, i) => !isDeepStrictEqual(route, there[i]))
  if (changed.length > 0) await store.routes.set({ set: changed, remove: [] })
}

async function retireAll(context: DeployContext, app: App, containers: Container[]): Promise<void> {
  const { store } = context.platform
  // An old release's port may be another one; its web containers drain on any port that routes may have had.
  const releases = await store.releases.list(app.id)
  const retiredBackends = containers.filter(isWeb).flatMap((container) => {
    const release = releases.find(({ version }) => version === container.release)
    return release === undefined ? [] : backendOf(container, portOfRelease(context.platform, app, release))
  })
  await retire({ app, outgoing: containers, routeVersion: 0, retiredBackends }, context)
}

function portOfRelease({ store }: Platform, app: App, release: Release): number {
  return portOf(release, configOf(app, release, store.secrets))
}
