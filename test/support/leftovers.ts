import { readdir } from 'node:fs/promises'
import { engineObjects } from './docker.ts'
import { paths } from './instance.ts'

/** Everything that a deploy makes and must take back when it fails, besides what the state tells. */
export async function traces(): Promise<unknown> {
  const [objects, builds, repositories] = await Promise.all([
    engineObjects(),
    filesOf(paths.builds),
    filesBelow(paths.repos),
  ])
  return { ...objects, builds, quarantine: repositories.filter((name) => /incoming|tmp_/.test(name)) }
}

function filesBelow(folder: string): Promise<string[]> {
  return readdir(folder, { recursive: true })
}

/** Without the folders themselves, of which an app keeps an empty one, and the logs that `builds:log` shows. */
async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.log'))
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
}
