import { appUser } from '../build/app-user.ts'
import { baseImage } from '../build/base-image.ts'
import { randomHex } from '../lib/ids.ts'
import { type App, mountVolume } from '../model/app.ts'
import { type Contents, parseContents } from '../services/contents.ts'
import { type ServiceContext } from '../services/context.ts'
import { runOrFail, startPrinting } from '../services/run.ts'
import { bash } from '../services/service.ts'
import { throwawayLabels } from '../services/throwaway.ts'
import { type Source } from './source.ts'

const folder = '/storage'
const memoryBytes = 128 * 1024 * 1024

/** A file that changes while it is read (code 1) is as it was at some moment, and no reason to give up. */
const pack = {
  command: bash(
    `tar --create --gzip --numeric-owner --directory=${folder} --exclude='./.paas-*' . || [ $? = 1 ]`,
  ),
}
const count = {
  command: bash(
    `cd ${folder}\nprintf 'files\\t%s\\n' "$(find . -path './.paas-*' -prune -o -type f -print | wc -l)"\n` +
      `printf 'bytes\\t%s\\n' "$(find . -path './.paas-*' -prune -o -type f -printf '%s\\n' | awk '{ sum += $1 } END { print sum + 0 }')"`,
  ),
}
/** Unpacked beside what is there, which only goes once all of the new is there. */
const unpack = {
  command: bash(`
cd ${folder}
rm -rf .paas-new .paas-old
trap 'rm -rf .paas-new .paas-old' EXIT
mkdir .paas-new .paas-old
tar --extract --numeric-owner --same-owner --preserve-permissions --directory=.paas-new
find . -mindepth 1 -maxdepth 1 ! -name '.paas-*' -exec mv -t .paas-old -- {} +
find .paas-new -mindepth 1 -maxdepth 1 -exec mv -t . -- {} +
chmod --reference=.paas-new . && chown --reference=.paas-new .
`),
}

/** The volume of an app's storage, as a compressed tar. Files that change meanwhile are as they were at some moment. */
export function storageSource(app: App, volume: string, container: string, context: ServiceContext): Source {
  const { engine } = context.platform
  return {
    subject: { type: 'storage', id: app.id, name: app.name, volume },
    parts: [
      {
        name: volume,
        start: () => startPrinting(engine, container, pack, `save ${app.name}:${volume}`, context.signal),
        contents: () => storageContents(container, context),
      },
    ],
  }
}

export async function storageContents(container: string, { platform }: ServiceContext): Promise<Contents> {
  return parseContents(await runOrFail(platform.engine, container, count, 'count files'))
}

/** Replaces what is in a volume by a tar; a stream that ends early changes nothing. */
export async function restoreStorage(
  container: string,
  input: AsyncIterable<Uint8Array>,
  { platform, signal }: ServiceContext,
): Promise<void> {
  await runOrFail(platform.engine, container, unpack, 'unpack the files; the storage is as it was', {
    input,
    signal,
  })
}

export const appVolume = (app: Pick<App, 'id'>, volume: string, { platform }: ServiceContext): string =>
  mountVolume(platform.instance.name, app.id, volume)

/** Makes a volume that the user of our images may write to; one that is there stays as it is. */
export async function prepareVolume(app: App, name: string, context: ServiceContext): Promise<void> {
  const { engine, instance } = context.platform
  const volume = appVolume(app, name, context)
  if (await engine.volumes.exists(volume)) return
  await engine.volumes.ensure(volume, { 'paas.instance': instance.name, 'paas.app': app.id })
  await withVolume(volume, context, async (container) => {
    await runOrFail(
      engine,
      container,
      { command: ['chown', `${appUser}:${appUser}`, folder] },
      `make the storage ${name}`,
    )
  })
}

/** Runs a task with a container that has the volume and nothing else. */
export async function withVolume<T>(
  volume: string,
  { platform }: ServiceContext,
  task: (container: string) => Promise<T>,
): Promise<T> {
  const { engine, instance } = platform
  const id = await engine.containers.create({
    name: `paas-storage-${randomHex(6)}`,
    image: baseImage,
    entrypoint: [],
    command: ['sleep', 'infinity'],
    env: {},
    labels: { 'paas.instance': instance.name, 'paas.role': 'throwaway', ...throwawayLabels() },
    network: 'none',
    user: 'root',
    volumes: [{ volume, path: folder }],
    memoryBytes,
    pidsLimit: 64,
    openFiles: 1024,
  })
  try {
    await engine.containers.start(id)
    return await task(id)
  } finally {
    await engine.containers.remove(id)
  }
}
