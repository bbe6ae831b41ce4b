import { cp, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { type Buildpack, loadBuildpack } from './buildpack.ts'
import { type Source, spoolSource } from './source.ts'

/**
 * Takes a buildpack into `folder` (the instance's own ones) under its name, from a folder of this server or from
 * a tar. It is read and checked first, and one of the same name gives way at once and whole.
 */
export async function addBuildpack(
  folder: string,
  name: string,
  from: { path: string } | { tar: AsyncIterable<Buffer> },
): Promise<Buildpack> {
  await mkdir(folder, { recursive: true })
  // Beside its place, so that it moves there in one step; a leading dot keeps it from being loaded meanwhile.
  const scratch = await mkdtemp(join(folder, '.new-'))
  try {
    const unpacked = join(scratch, 'buildpack')
    if ('path' in from) await cp(from.path, unpacked, { recursive: true, verbatimSymlinks: true })
    else await unpack(await spoolSource(from.tar, join(scratch, 'source.tar')), unpacked)
    const buildpack = await loadBuildpack(unpacked)
    if (buildpack.manifest.name !== name)
      throw new PaasError(
        'BUILDPACK_INVALID',
        `The buildpack calls itself ${buildpack.manifest.name}, not ${name}.`,
      )
    await rm(join(folder, name), { recursive: true, force: true })
    await rename(unpacked, join(folder, name))
    return buildpack
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Forgets an added buildpack. Throws NOT_FOUND where there is none of this name. */
export async function removeBuildpack(folder: string, name: string): Promise<void> {
  try {
    await rm(join(folder, name), { recursive: true })
  } catch (cause) {
    throw new PaasError('NOT_FOUND', `No buildpack ${name} was added here.`, {
      hint: 'What there is: paas buildpacks',
      cause,
    })
  }
}

async function unpack(source: Source, target: string): Promise<void> {
  await mkdir(target)
  await using tar = await open(source.file)
  for (const { path, type, size, offset } of source.entries) {
    if (type !== 'file') continue
    const content = Buffer.alloc(size)
    await tar.read(content, 0, size, offset)
    await mkdir(dirname(join(target, path)), { recursive: true })
    await writeFile(join(target, path), content)
  }
}
