import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { reference } from '../commands/reference.ts'
import { commands } from '../commands/registry.ts'

/** `npm run docs`: writes the reference anew. A test fails while it is not what the declarations say. */
const folder = join(import.meta.dirname, '../../docs/commands')
await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
for (const [name, text] of reference(commands)) await writeFile(join(folder, name), text)
