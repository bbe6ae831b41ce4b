import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type Epoch } from '../store/epoch.ts'
import { writeStateBackup } from './state-backups.ts'

/** What can be asked for while the state is lost, or of a newer program: how things are, and the way back. */
const usable = [
  '--version',
  '-V',
  'completion',
  'doctor',
  'help',
  'server:backups',
  'server:restore',
  'version',
]

/**
 * Sees to it that the state is this instance's own, and of the layout that this program knows: an older one is
 * backed up and brought up to date, once; a newer one is refused.
 */
export function prepareState(platform: Platform, epoch: Epoch) {
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
    await epoch.verify()
    if (ready) return
    migrating ??= migrate().finally(() => (migrating = undefined))
    await migrating
  }

  return {
    verify,

    /**
     * Throws STATE_NEWER or STATE_CORRUPT for a command that would work with such a state: where Redis has lost its
     * data, that is not "no apps". Other troubles are the command's own.
     */
    async admit(command: string | undefined): Promise<void> {
      if (command === undefined || usable.includes(command)) return
      if (!ready) {
        await verify().catch((error: unknown) => {
          if (error instanceof PaasError && error.code === 'STATE_NEWER') throw error
        })
      }
      await epoch.ensure()
    },
  }
}
