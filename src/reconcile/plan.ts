import { planContainers, sameSlot, slotsOf, isWeb } from '../deploy/formation.ts'
import { deployTasks } from '../deploy/task.ts'
import { type App } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { type Container, type Slot } from '../schedulers/scheduler.ts'

/** What there is of one app. */
export type Actual = {
  containers: Container[]
  /** Backends of the app's own host; undefined where there is no such route. */
  backends: string[] | undefined
  now: Date
  /** Releases that are neither live nor failed: nobody can be working on them, as we hold the queue. */
  pending: Release[]
}

/** A one-off that is made is started within milliseconds; later than these, whoever was to start it has died. */
const startGrace = 60_000

export type Desired = {
  app: App
  /** The current release; undefined before the first. */
  release: Release | undefined
  /** The port that its web containers listen on. */
  port: number
}

/** One thing to do. Executors are in reconcile/app.ts. */
export type Step =
  /** A deploy died with the controller. */
  | { do: 'settle'; release: Release }
  /** Start the exited container of a slot again, or a new one. */
  | { do: 'fill'; slot: Slot; exited: Container | undefined }
  /** It runs but gets no traffic: check it first. */
  | { do: 'admit'; container: Container }
  /** The route names other backends than those that run. */
  | { do: 'route' }
  /** It is of no use any more; a deploy's task that runs while nobody deploys is none either. */
  | { do: 'retire'; container: Container }

/** Desired against actual: the steps that lead from one to the other, in order. Pure; empty where they agree. */
export function planSteps({ app, release, port }: Desired, actual: Actual): Step[] {
  const slots = release === undefined ? [] : slotsOf(app, release.image)
  const version = release?.version ?? 0
  const { keep, create, retire } = planContainers(slots, version, actual.containers, { fresh: false })
  const fill = create.map((slot): Step & { do: 'fill' } => ({
    do: 'fill',
    slot,
    exited: newestExited(actual.containers, version, slot),
  }))
  const revived = fill.map(({ exited }) => exited)
  const isRouted = (container: Container) =>
    actual.backends?.includes(`http://${container.address ?? ''}:${port}`) ?? false
  const admit = keep.filter((container) => isWeb(container) && !isRouted(container))
  const expected = keep.filter((container) => isWeb(container) && isRouted(container)).length
  const stale = actual.backends === undefined ? release !== undefined : actual.backends.length !== expected
  const changes = fill.length > 0 || admit.length > 0
  const gone = [
    ...retire.filter((container) => !revived.includes(container)),
    ...actual.containers.filter(
      ({ oneOff, running, exit, slot, createdAt }) =>
        oneOff &&
        (deployTasks.includes(slot.type) ||
          (!running && (exit !== undefined || Number(actual.now) - Number(createdAt) > startGrace))),
    ),
  ]
  return [
    ...actual.pending
      .filter(({ version: pending }) => pending !== version)
      .map((found): Step => ({ do: 'settle', release: found })),
    ...fill,
    ...admit.map((container): Step => ({ do: 'admit', container })),
    ...(changes || stale ? [{ do: 'route' } as const] : []),
    ...gone.map((container): Step => ({ do: 'retire', container })),
  ]
}

function newestExited(containers: Container[], version: number, slot: Slot): Container | undefined {
  return containers
    .filter((c) => !c.oneOff && !c.running && c.release === version && sameSlot(c.slot, slot))
    .sort((a, b) => Number(b.finishedAt) - Number(a.finishedAt))[0]
}
