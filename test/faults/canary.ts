import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { docker } from '../support/docker.ts'
import { instance, paths } from '../support/instance.ts'

/** Folders that hold everything of the instance but its program. */
const folders = [paths.etc, paths.lib, paths.log, paths.run]

/** Where a secret is that should be nowhere but in the process that needs it: files, arguments, images. */
export async function placesOf(secret: string): Promise<string[]> {
  const [inFiles, inArguments, inImages] = await Promise.all([
    filesWith(secret),
    argumentsWith(secret),
    imagesWith(secret),
  ])
  return [...inFiles, ...inArguments, ...inImages]
}

/** Logs, the files of Redis, backups, repositories, settings: any byte of them. */
async function filesWith(secret: string): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name)
      // What is gone between the two looks holds nothing.
      const bytes = await readFile(path).catch(() => Buffer.alloc(0))
      if (bytes.includes(secret)) found.push(path)
    }
  }
  return found
}

async function argumentsWith(secret: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
  )
  return lines.filter((line) => line.includes(secret)).map((line) => `arguments of ${line.slice(0, 60)}`)
}

async function imagesWith(secret: string): Promise<string[]> {
  const listed = await docker('images', '--quiet', '--filter', `label=paas.instance=${instance.name}`)
  const ids = [...new Set(listed.split('\n').filter(Boolean))]
  const told = await Promise.all(
    ids.map(async (id) => [
      await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', id),
      await docker('image', 'inspect', id),
    ]),
  )
  return ids.filter((_, i) => told[i]!.join('').includes(secret)).map((id) => `the image ${id}`)
}
