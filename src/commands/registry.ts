import { appsCreate } from './apps/create.ts'
import { appsDestroy } from './apps/destroy.ts'
import { appsList } from './apps/list.ts'
import { configSet } from './config/set.ts'
import { type Command } from './define.ts'
import { keysAdd } from './keys/add.ts'
import { keysList } from './keys/list.ts'
import { keysRemove } from './keys/remove.ts'

/** Every command there is, in the order of the overview. */
export const commands: readonly Command[] = [appsCreate, appsList, appsDestroy, configSet, keysAdd, keysList, keysRemove]
