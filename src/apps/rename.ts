import { type App } from '../model/app.ts'
import { type AppName } from '../model/names.ts'
import { nameTaken } from './create.ts'
import { refuseTakenHost } from './host-owner.ts'
import { renameAppOfKeys } from './keys.ts'
import { moveHosts } from './move-hosts.ts'
import { type Platform } from './platform.ts'
import { appQueue, type Asker } from './queue.ts'

/** Gives an app another name: it answers at the new host at once, and no longer at the old one. */
export async function renameApp(platform: Platform, app: App, name: AppName, asker: Asker): Promise<App> {
  const who = { ...asker, verb: 'apps:rename' }
  return appQueue(platform, app, who, (current) =>
    platform.queues.run('names', who, async () => {
      if (current.name === name) return current
      if ((await platform.store.apps.find(name)) !== undefined) throw nameTaken(name)
      await refuseTakenHost(platform, `${name}.${platform.instance.domain}`)
      const renamed = { ...current, name }
      await renameAppOfKeys(platform, asker.owner, current.name, name)
      await moveHosts(platform, current, renamed)
      return renamed
    }),
  )
}
