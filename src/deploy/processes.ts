import { type App } from '../model/app.ts'
import { type ProcessType } from '../model/names.ts'
import { type Image } from '../model/release.ts'
import { type Container, type Slot } from '../schedulers/scheduler.ts'
import { isWeb, sameSlot, slotsOf } from './formation.ts'

/**
 * starting: it runs and is not in use yet. up: it is. stopping: it runs and is not in use any more. crashed: it
 * has ended and should not have. down: it should run and there is nothing of it. stopped: by ps:stop.
 */
export const processStates = ['starting', 'up', 'stopping', 'crashed', 'down', 'stopped'] as const
export type ProcessState = (typeof processStates)[number]

export type Process = {
  type: ProcessType
  index: number
  state: ProcessState
  /** Since when; undefined where nothing is known of it. */
  since: Date | undefined
  release: number
  oneOff: boolean
  exit: Container['exit']
}

export type Running = {
  /** The live release; undefined before the first one. */
  live: { version: number; image: Pick<Image, 'processes'> } | undefined
  containers: Container[]
  /** Addresses of the web containers that get traffic. */
  routed: ReadonlySet<string>
}

/** What runs of an app, what should and does not, and one-offs. Pure; in order of type, index and start. */
export function processesOf(app: Pick<App, 'formation' | 'stopped'>, running: Running): Process[] {
  const { live, containers } = running
  const wanted = live === undefined ? [] : slotsOf(app, live.image)
  const found = containers.flatMap((container) => {
    const state = stateOf(container, wanted, running)
    return state === undefined ? [] : [describe(container, state)]
  })
  const places = live === undefined ? [] : slotsOf({ formation: app.formation }, live.image)
  const missing = places
    .filter((slot) => !found.some((process) => !process.oneOff && sameSlot(process, slot)))
    .map((slot): Process => ({
      ...slot,
      state: wanted.some((place) => sameSlot(place, slot)) ? 'down' : 'stopped',
      since: undefined,
      release: live!.version,
      oneOff: false,
      exit: undefined,
    }))
  const types = [...new Set(places.map(({ type }) => type))]
  // Types that the formation does not have any more come after those that it has, one-offs last.
  const rank = ({ type, oneOff }: Process): number =>
    oneOff ? types.length + 1 : types.includes(type) ? types.indexOf(type) : types.length
  return [...found, ...missing].sort(
    (a, b) => rank(a) - rank(b) || a.index - b.index || Number(a.since) - Number(b.since),
  )
}

/** undefined: what is left of a container that is of no interest any more. */
function stateOf(
  container: Container,
  wanted: Slot[],
  { live, containers, routed }: Running,
): ProcessState | undefined {
  const { running, oneOff, release, slot } = container
  if (oneOff) return running ? 'up' : undefined
  if (!running) {
    const replaced = containers.some((other) => other.running && !other.oneOff && sameSlot(other.slot, slot))
    const missed = release === live?.version && wanted.some((place) => sameSlot(place, slot)) && !replaced
    return missed ? 'crashed' : undefined
  }
  if (live === undefined || release > live.version) return 'starting'
  if (release < live.version || !wanted.some((place) => sameSlot(place, slot))) return 'stopping'
  if (!isWeb(container)) return 'up'
  if (routed.has(container.address ?? '')) return 'up'
  return containers.some((other) => isNewer(other, container)) ? 'stopping' : 'starting'
}

/** Another container of the same place that was started after this one. */
const isNewer = (other: Container, than: Container): boolean =>
  other.running && sameSlot(other.slot, than.slot) && Number(other.startedAt) > Number(than.startedAt)

function describe(
  { slot, release, oneOff, running, startedAt, finishedAt, exit }: Container,
  state: ProcessState,
): Process {
  return { ...slot, state, since: running ? startedAt : finishedAt, release, oneOff, exit }
}
