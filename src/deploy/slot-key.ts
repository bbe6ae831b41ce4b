import { type Slot } from '../schedulers/scheduler.ts'
import { type Released } from './stages.ts'

/** Key of a slot's crashes: another release, or another formation after a restart, starts afresh. */
export const slotKey = ({ app, release }: Released, slot: Slot): string =>
  `${app.id} v${release.version} ${slot.type}.${slot.index}`
