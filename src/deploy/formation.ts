import { own } from '../lib/own.ts'
import { type App, type Formation } from '../model/app.ts'
import { ProcessType } from '../model/names.ts'
import { type Image } from '../model/release.ts'
import { type Container, type Slot } from '../schedulers/scheduler.ts'

const web = ProcessType.parse('web')

/** Runs once before the switch, never as part of the formation. */
export const releaseTask = ProcessType.parse('release')

/** How many containers of a type run: what was set, else one `web` and none of the others. */
export function quantityOf(formation: Formation, type: ProcessType): number {
  return own(formation, type) ?? (type === web ? 1 : 0)
}

/** Every process type that runs or was scaled, with its quantity; `web` first. */
export function formationOf(
  app: Pick<App, 'formation'>,
  image: Pick<Image, 'processes'> | undefined,
): Formation {
  const types = new Set([...Object.keys(image?.processes ?? {}), ...Object.keys(app.formation)])
  return Object.fromEntries(
    [...types]
      .map((type) => ProcessType.parse(type))
      .filter((type) => type !== releaseTask)
      .sort(webFirst)
      .map((type) => [type, quantityOf(app.formation, type)]),
  )
}

const webFirst = (a: ProcessType, b: ProcessType): number => (a === web ? -1 : b === web ? 1 : a < b ? -1 : 1)

/** The places that a formation fills for an image, in order of type and index, but for those that are stopped. */
export function slotsOf(app: Pick<App, 'formation' | 'stopped'>, image: Pick<Image, 'processes'>): Slot[] {
  return Object.keys(image.processes)
    .map((type) => ProcessType.parse(type))
    .filter((type) => type !== releaseTask)
    .sort(webFirst)
    .flatMap((type) =>
      Array.from({ length: quantityOf(app.formation, type) }, (_, i) => ({ type, index: i + 1 })),
    )
    .filter(
      ({ type, index }) => app.stopped?.some((name) => name === type || name === `${type}.${index}`) !== true,
    )
}

/** What to do with the containers of an app so that exactly these slots of this release run. */
export type ContainerPlan = { keep: Container[]; create: Slot[]; retire: Container[] }

/**
 * Pure. A running container of the release in a wanted slot is kept (the newest, were there two), unless all
 * are to be `fresh`; everything else of the formation is retired, exited ones too. One-offs are nobody's.
 */
export function planContainers(
  wanted: Slot[],
  release: number,
  actual: Container[],
  options: { fresh: Fresh },
): ContainerPlan {
  const ours = actual.filter((container) => !container.oneOff)
  const keep = wanted.flatMap((slot) => {
    if (isFresh(options.fresh, slot)) return []
    const candidates = ours.filter(
      (container) => container.running && container.release === release && sameSlot(container.slot, slot),
    )
    const newest = candidates.sort((a, b) => Number(b.startedAt) - Number(a.startedAt))[0]
    return newest === undefined ? [] : [newest]
  })
  return {
    keep,
    create: wanted.filter((slot) => !keep.some((container) => sameSlot(container.slot, slot))),
    retire: ours.filter((container) => !keep.includes(container)),
  }
}

/** Slots that get a new container whatever runs: all, none, or some. */
export type Fresh = boolean | ((slot: Slot) => boolean)

const isFresh = (fresh: Fresh, slot: Slot): boolean => (typeof fresh === 'boolean' ? fresh : fresh(slot))

export const sameSlot = (a: Slot, b: Slot): boolean => a.type === b.type && a.index === b.index

export const isWeb = (container: { slot: Slot }): boolean => container.slot.type === web
