import { type Command } from '../define.ts'
import { servicesClone } from './clone.ts'
import { servicesConnect } from './connect.ts'
import { servicesCreate } from './create.ts'
import { servicesCredentials } from './credentials.ts'
import { servicesCredentialsRotate } from './credentials/rotate.ts'
import { servicesDestroy } from './destroy.ts'
import { servicesExport } from './export.ts'
import { servicesExpose } from './expose.ts'
import { servicesImport } from './import.ts'
import { servicesInfo } from './info.ts'
import { servicesLink } from './link.ts'
import { servicesList } from './list.ts'
import { servicesLogs } from './logs.ts'
import { servicesPromote } from './promote.ts'
import { servicesRename } from './rename.ts'
import { servicesRestart } from './restart.ts'
import { servicesSet } from './set.ts'
import { servicesStart } from './start.ts'
import { servicesStop } from './stop.ts'
import { servicesUnexpose } from './unexpose.ts'
import { servicesUnlink } from './unlink.ts'
import { servicesUpgrade } from './upgrade.ts'

/** Every command of services, in the order of the overview. */
export const serviceCommands: readonly Command[] = [
  ...[servicesCreate, servicesList, servicesInfo, servicesRename, servicesDestroy],
  ...[servicesLink, servicesUnlink, servicesPromote],
  ...[servicesStart, servicesStop, servicesRestart, servicesLogs, servicesConnect],
  ...[servicesSet, servicesCredentials, servicesCredentialsRotate, servicesExpose, servicesUnexpose],
  ...[servicesClone, servicesExport, servicesImport, servicesUpgrade],
]
