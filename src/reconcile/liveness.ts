import { setTimeout as sleep } from 'node:timers/promises'
import { hostsOf } from '../apps/hosts.ts'
import { type Platform } from '../apps/platform.ts'
import { configOf, portOf } from '../deploy/environment.ts'
import { checksWithImage } from '../deploy/image-checks.ts'
import { probeOnce } from '../deploy/probe.ts'
import { slotKey } from '../deploy/slot-key.ts'
import { backendOf } from '../deploy/switch.ts'
import { messageOf } from '../errors/paas-error.ts'
import { own } from '../lib/own.ts'
import { paasLine } from '../logs/line.ts'
import { type App } from '../model/app.ts'
import { type Check } from '../model/check.ts'
import { type Release } from '../model/release.ts'
import { type Container } from '../schedulers/scheduler.ts'

/** Milliseconds between two looks at which containers are to be watched. */
const lookEvery = 2000
/** Seconds from SIGTERM to SIGKILL for a container that does not answer. */
const grace = 5

/** Liveness checks of one process type: those that are set, or those that come with the image. Pure. */
export function livenessOf(
  { checks = {} }: Pick<App, 'checks'>,
  { image }: Pick<Release, 'image'>,
  type: string,
): Check[] {
  return (own(checks, type) ?? checksWithImage(image, type) ?? []).filter(
    (check) => check.type === 'liveness',
  )
}

/**
 * Asks containers with liveness checks again and again, until the signal aborts. One that fails `attempts` times in a
 * row gets no more traffic and is removed; reconcile then starts another one, with back-off.
 */
export async function keepAlive(platform: Platform, signal: AbortSignal): Promise<void> {
  const watched = new Map<string, AbortController>()
  const ended = (): boolean => signal.aborted
  while (!ended()) {
    try {
      await look(platform, watched, signal)
    } catch (error) {
      if (!ended()) platform.log.warn({ reason: messageOf(error) }, 'liveness cannot be looked at now')
    }
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
  }
}

async function look(
  platform: Platform,
  watched: Map<string, AbortController>,
  signal: AbortSignal,
): Promise<void> {
  const alive = new Set<string>()
  const { apps, releases } = platform.store
  for (const { app, release } of await releases.live(await apps.list())) {
    const types = Object.keys(release.image.processes)
    if (types.every((type) => livenessOf(app, release, type).length === 0)) continue
    for (const container of await platform.scheduler.list(app.id)) {
      const checks = livenessOf(app, release, container.slot.type)
      if (!container.running || container.oneOff || container.release !== release.version) continue
      // Another start of the container, or other checks, are another watch.
      const key = `${container.id} ${Number(container.startedAt)} ${JSON.stringify(checks)}`
      if (checks.length === 0) continue
      alive.add(key)
      if (watched.has(key)) continue
      const stop = new AbortController()
      watched.set(key, stop)
      const both = AbortSignal.any([stop.signal, signal])
      for (const check of checks) void watch(platform, { app, release, container, check }, both)
    }
  }
  for (const [key, stop] of watched) {
    if (alive.has(key)) continue
    stop.abort()
    watched.delete(key)
  }
}

type Watched = { app: App; release: Release; container: Container; check: Check }

async function watch(platform: Platform, watched: Watched, signal: AbortSignal): Promise<void> {
  const { app, release, container, check } = watched
  const port = portOf(release, configOf(app, release, platform.store.secrets))
  const target = { container, port, scheduler: platform.scheduler }
  let failures = 0
  try {
    await sleep(check.initialDelay * 1000, undefined, { signal })
    for (;;) {
      const problem = await probeOnce(check, target, signal).then(
        () => undefined,
        (error: unknown) => messageOf(error),
      )
      signal.throwIfAborted()
      failures = problem === undefined ? 0 : failures + 1
      if (failures >= check.attempts) return await restartDead(platform, watched, port, problem ?? '')
      // At least a moment, or a check without a wait would keep a core busy.
      await sleep(Math.max(check.wait, 0.1) * 1000, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted)
      platform.log.warn({ container: container.name, reason: messageOf(error) }, 'liveness')
  }
}

async function restartDead(
  { store, scheduler, crashes, instance, logs, log, now }: Platform,
  { app, release, container, check }: Watched,
  port: number,
  problem: string,
): Promise<void> {
  const text = `${container.slot.type}.${container.slot.index} failed its liveness check ${check.attempts} times: ${problem}; it is restarted`
  log.warn({ app: app.name, container: container.name, problem }, 'not alive')
  await logs.write(app.id, [paasLine(now(), 'check', text)])
  const hosts = hostsOf(app, instance.domain)
  for (const backend of backendOf(container, port)) await store.routes.eject(hosts, backend)
  const ranMs = now().getTime() - (container.startedAt ?? now()).getTime()
  crashes.failed(slotKey({ app, release }, container.slot), ranMs)
  // A new container, as what ails this one may lie in its files.
  await scheduler.remove(container.id, grace)
}
