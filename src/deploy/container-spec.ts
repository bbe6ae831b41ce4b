import { type Platform } from '../apps/platform.ts'
import { own } from '../lib/own.ts'
import { type ContainerSpec, type Limits, type Slot } from '../schedulers/scheduler.ts'
import { attachmentsOf } from './attachments.ts'
import { environmentOf } from './environment.ts'
import { type Released } from './stages.ts'

/** What a container of a slot is made of: the release's image and config, the app's services, storage and limits. */
export async function specOf(
  { app, release }: Released,
  slot: Slot,
  platform: Platform,
  { command }: { command: string | undefined },
): Promise<ContainerSpec> {
  return {
    app,
    release: release.version,
    slot,
    image: release.image.tag,
    ...(command !== undefined && { command }),
    env: environmentOf(app, release, slot, platform.store.secrets),
    limits: limitsOf(own(app.limits ?? {}, slot.type)),
    ...(await attachmentsOf(app, platform)),
  }
}

/** The limits that are set; the scheduler has defaults for the others. */
function limitsOf(set: { [K in keyof Limits]: Limits[K] | undefined } | undefined): Limits {
  const { memoryBytes, cpus, cpuShares, pids } = set ?? {}
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(cpus !== undefined && { cpus }),
    ...(cpuShares !== undefined && { cpuShares }),
    ...(pids !== undefined && { pids }),
  }
}
