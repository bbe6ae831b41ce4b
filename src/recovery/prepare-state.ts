import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { writeStateBackup } from './state-backups.ts'

/** What can be asked for while the state is of a newer program: how things are, and the way back. */
const usable = ['--version', '-V', 'doctor', 'help', 'server:backups', 'server:restore', 'version']

/**
 * Sees to it that the state is this instance's own, and of the layout that this program knows: an older one is
 * backed up and brought up to date, once; a newer one is refused.
 */
export function prepareState(platform: Platform, verifyEpoch: () => Promise<void>) {
  let migrating: Promise<void> | undefined
  let ready = false

  async function migrate(): Promise<void> {
    const { log, store } = platform
    const { from, to } = await store.migrate(async () => {
      await writeStateBackup(platform, 'migration')
    })
    ready = true
    if (from !== to) log.info({ from, to }, 'the state has been brought up to date')
  }

  /** Throws STATE_CORRUPT, STATE_NEWER or STATE_UNREACHABLE; then nothing may be changed. */
  async function verify(): Promise<void> {
    await verifyEpoch()
    if (ready) return
    migrating ??= migrate().finally(() => (migrating = undefined))
    await migrating
  }

  return {
    verify,

    /** Throws STATE_NEWER for a command that would work with such a state; other troubles are the command's own. */
    async admit(command: string | undefined): Promise<void> {
      if (ready || command === undefined || usable.includes(command)) return
      await verify().catch((error: unknown) => {
        if (error instanceof PaasError && error.code === 'STATE_NEWER') throw error
      })
    },
  }
}
