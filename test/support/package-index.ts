import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withDebian } from './in-container.ts'
import { instance } from './instance.ts'
import { eventually, mustRun, run } from './process.ts'

export type PackageIndex = AsyncDisposable & {
  /** Where builds reach it: `http://172.17.0.2:8000`, with `/simple/` of PEP 503 below it. */
  url: string
  host: string
  /** Its files, each of which is served. */
  folder: string
}

/**
 * An index of Python packages like a company's, in a container: wheels made of Debian's packages, and what `script`
 * adds to the folder. `login` is `user:password`, where it is not for everybody.
 */
export async function startPackageIndex(
  packages: string,
  options: { script?: string; login?: string; folder?: string } = {},
): Promise<PackageIndex> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'paas-index-')))
  await chmod(folder, 0o755)
  if (options.folder === undefined)
    await withDebian(packages, `python3 /support/wheels.py .; ${options.script ?? ':'}`)(folder)
  const id = await mustRun('docker', [
    ...['run', '--detach', '--label', `paas.instance=${instance.name}`, '--volume', `${folder}:/files:ro`],
    ...['--volume', `${join(import.meta.dirname, 'vendor')}:/support:ro`],
    ...(options.login === undefined ? [] : ['--env', `LOGIN=${options.login}`]),
    ...['paas/node:26', 'node', '/support/index.mjs', '/files'],
  ])
  const container = id.trim()
  const format = '{{.NetworkSettings.IPAddress}}'
  const host = (await mustRun('docker', ['inspect', '--format', format, container])).trim()
  const url = `http://${host}:8000`
  await eventually(
    'the index answers',
    10_000,
    async () => (await run('curl', ['-s', '-o', '/dev/null', `${url}/`])).code === 0,
  )
  return {
    url,
    host,
    folder,
    async [Symbol.asyncDispose]() {
      await mustRun('docker', ['rm', '--force', container])
      if (options.folder === undefined) await rm(folder, { recursive: true })
    },
  }
}
