import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type AppId } from '../model/names.ts'
import { type LogLine } from './line.ts'
import { appRing, openRing, type Ring, routerRing } from './ring.ts'

/** The rings of an app: what its processes and paas say, and apart from it, so as not to crowd it out, its router lines. */
export type AppRings = { app: Ring; router: Ring }

/** The logs of every app; rings are opened when they are first used. */
export type LogBook = {
  /** Takes lines for an app's log; resolves when more may be taken. */
  write(id: AppId, lines: readonly LogLine[]): Promise<void>
  /** The same for what the router served of the app. */
  writeRouter(id: AppId, lines: readonly LogLine[]): Promise<void>
  rings(id: AppId): Promise<AppRings>
  /** Ends all readers of an app's log and removes it. */
  remove(id: AppId): Promise<void>
  /** Writes what is still in memory. */
  close(): Promise<void>
}

/** Opens the logs in a folder that has one folder per app id. */
export function openLogBook(folder: string): LogBook {
  const open = new Map<AppId, Promise<AppRings>>()

  function rings(id: AppId): Promise<AppRings> {
    let found = open.get(id)
    if (found === undefined) {
      found = openBoth(join(folder, id))
      open.set(id, found)
      // A disk that was full may have room the next time.
      found.catch(() => open.delete(id))
    }
    return found
  }

  async function close(id: AppId): Promise<void> {
    const found = await open.get(id)?.catch(() => undefined)
    open.delete(id)
    await Promise.all([found?.app.close(), found?.router.close()])
  }

  return {
    rings,
    write: async (id, lines) => (await rings(id)).app.append(lines),
    writeRouter: async (id, lines) => (await rings(id)).router.append(lines),
    async remove(id) {
      await close(id)
      await rm(join(folder, id), { recursive: true, force: true })
    },
    async close() {
      await Promise.all([...open.keys()].map(close))
    },
  }
}

async function openBoth(folder: string): Promise<AppRings> {
  const [app, router] = await Promise.all([
    openRing(folder, appRing),
    openRing(join(folder, 'router'), routerRing),
  ])
  return { app, router }
}
