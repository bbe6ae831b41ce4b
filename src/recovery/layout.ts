import { type InstancePaths } from '../lib/paths.ts'
import { type AppId } from '../model/names.ts'
import { type ServiceId } from '../model/service.ts'

/** Folders that are saved as they are, by their name in an archive. */
export const settingsFolders = (paths: InstancePaths): { name: string; path: string }[] => [
  { name: 'hooks', path: paths.hooks },
  { name: 'buildpacks', path: paths.buildpacks },
]

/** Where a dump of a service is in an archive: of its own database, or of the one that an app has in it. */
export const serviceDump = (service: ServiceId, app?: AppId): string =>
  `services/${service}/${app === undefined ? 'own' : app}`

/** Where the files of a volume are in an archive. */
export const storageDump = (app: AppId, volume: string): string => `storage/${app}/${volume}`
