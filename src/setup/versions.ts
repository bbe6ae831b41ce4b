import { readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type InstancePaths } from '../lib/paths.ts'

/** A version of the program that is installed, in a folder of its own (bin/setup, use_version). */
export type Installed = {
  folder: string
  /** Of package.json. */
  version: string
  /** Of its sources. */
  digest: string
  /** The clone or URL that it was made from. */
  source: string
  /** The newest layout of the state that it knows. */
  schema: number
}

/** `app`: the one that runs; `previous`: the one before. Undefined where there is none. */
export async function installed(
  { opt }: InstancePaths,
  which: 'app' | 'previous',
): Promise<Installed | undefined> {
  const target = await readlink(join(opt, which)).catch(() => undefined)
  if (target === undefined) return undefined
  const folder = join(opt, target)
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
  const [manifest, digest] = await Promise.all([read('package.json'), read('digest')])
  return {
    folder,
    version: (JSON.parse(manifest) as { version: string }).version,
    digest: digest.trim(),
    // Those from before versions had folders do not say.
    source: (await read('source').catch(() => '')).trim(),
    schema: await schemaOf(folder),
  }
}

/** Notes where a version came from, where that is not the clone that it was built in. */
export const noteSource = ({ folder }: Installed, source: string): Promise<void> =>
  writeFile(join(folder, 'source'), `${source}\n`)

/** Lets `app` point to the previous version, and `previous` to the present one; each at once. */
export async function swapVersions({ opt }: InstancePaths): Promise<void> {
  const [app, previous] = await Promise.all(['app', 'previous'].map((name) => readlink(join(opt, name))))
  await point(join(opt, 'app'), previous!)
  await point(join(opt, 'previous'), app!)
}

/** Removes the version that `previous` points to, and lets it point to an earlier one again, or be gone. */
export async function forgetPrevious({ opt }: InstancePaths, earlier: Installed | undefined): Promise<void> {
  const link = join(opt, 'previous')
  const folder = join(opt, await readlink(link))
  if (earlier === undefined) await rm(link)
  else await point(link, relative(opt, earlier.folder))
  await rm(folder, { recursive: true, force: true })
}

async function point(link: string, target: string): Promise<void> {
  const next = `${link}.next`
  await rm(next, { force: true })
  await symlink(target, next)
  await rename(next, link)
}

/** What the program itself says; 0 for one from before the state had a layout with a number. */
async function schemaOf(folder: string): Promise<number> {
  try {
    const file = pathToFileURL(join(folder, 'dist/store/schema.js')).href
    return ((await import(file)) as { schemaVersion: number }).schemaVersion
  } catch {
    return 0
  }
}
