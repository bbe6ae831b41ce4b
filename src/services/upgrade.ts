import { isDeepStrictEqual } from 'node:util'
import { PaasError } from '../errors/paas-error.ts'
import { type Generation, networkOf, type Service, volumeOf } from '../model/service.ts'
import { allAccess } from './access.ts'
import {
  bringUp,
  containersOf,
  createContainer,
  removeContainer,
  runningServer,
  settle,
} from './container.ts'
import { contentsOf } from './contents.ts'
import { type ServiceContext } from './context.ts'
import { versionOf } from './create.ts'
import { serviceTurn } from './find.ts'
import { dropImage, imageOf, takeImage } from './image.ts'
import { datastoreOf } from './registry.ts'
import { throwawayLabels } from './throwaway.ts'
import { dumpOf, restoreInto } from './transfer.ts'

/**
 * Moves a service to another image by way of its data: a new server beside the old one, a dump, a restore, a
 * comparison, and only then the switch. Nobody can write in between. A failure leaves the old server serving; after
 * a success its data is kept until `finishUpgrade` or `undoUpgrade`.
 */
export async function upgradeService(
  service: Service,
  image: string | undefined,
  context: ServiceContext,
): Promise<Service> {
  return serviceTurn(service, 'services:upgrade', context, async (current) => {
    const { platform, say } = context
    const datastore = datastoreOf(current)
    if (current.previous !== undefined) {
      throw new PaasError('SERVICE_IN_USE', `The last upgrade of ${current.name} is not confirmed yet.`, {
        hint: `paas services:upgrade ${current.name} --finish, or --undo`,
      })
    }
    const old = await runningServer(platform, current)
    const wanted = image ?? newest(current)
    const { chosen, brought } = await takeImage(datastore, wanted, context, {
      fresh: image === undefined || image !== imageOf(datastore),
    })
    const number = current.current.number + 1
    const next: Service = { ...current, current: { number, ...chosen, version: '' } }
    const volume = volumeOf(platform.instance.name, current.id, number)
    await platform.engine.volumes.remove(volume)
    try {
      const version = await copyInto(next, current, { old, volume }, context)
      const upgraded: Service = {
        ...current,
        current: { ...next.current, version },
        previous: current.current,
      }
      // From here on the new data is what counts: a controller that dies now brings the new server up.
      await platform.store.services.save(upgraded)
      say(`Switching ${current.name} to ${version}`)
      await bringUp(upgraded, context)
      return upgraded
    } catch (error) {
      await goBack(current, volume, context)
      if (brought) await dropImage(wanted, platform)
      throw error
    }
  })
}

/** Without another word an upgrade stays with who made the image. */
function newest(service: Service): string {
  const ours = imageOf(datastoreOf(service))
  const { image } = service.current
  return image.split(':')[0] === ours.split(':')[0] ? ours : image
}

/** Fills a new server from the old one and compares; resolves to its version. It is gone again afterwards. */
async function copyInto(
  next: Service,
  current: Service,
  { old, volume }: { old: string; volume: string },
  context: ServiceContext,
): Promise<string> {
  const { platform, say } = context
  const network = networkOf(platform.instance.name, current.id)
  const id = await createContainer(next, context, {
    role: 'throwaway',
    network: 'none',
    volume,
    aliases: [],
    labels: throwawayLabels(),
  })
  try {
    await platform.engine.containers.start(id)
    await settle(next, id, context)
    const version = await versionOf(datastoreOf(next), id, context)
    if (datastoreOf(next).data === undefined) return version
    say(
      `Copying the data from ${current.current.version} to ${version}; ${current.name} is not reachable meanwhile`,
    )
    await platform.engine.networks.disconnect(network, old)
    for (const access of allAccess(current, platform.store.secrets)) {
      await restoreInto(next, id, access, dumpOf(current, access, context, old), context)
      const there = await contentsOf(current, old, context, access)
      const here = await contentsOf(next, id, context, access)
      if (!isDeepStrictEqual(there, here)) {
        throw new PaasError(
          'SERVICE_FAILED',
          `The new ${current.name} does not hold what the old one does.`,
          {
            hint: `${Object.keys(there).length} counts of ${access.database} were compared; nothing was changed.`,
          },
        )
      }
      say(`Verified ${access.database}: ${Object.keys(here).length} counts are the same`)
    }
    return version
  } finally {
    await removeContainer(platform, id)
  }
}

async function goBack(current: Service, volume: string, context: ServiceContext): Promise<void> {
  const { platform } = context
  const stored = await platform.store.services.get(current.id)
  await platform.store.services.save(current)
  // The old container may be off its network, or be gone; the volume has all that counts.
  for (const id of await containersOf(platform, current, 'server')) await removeContainer(platform, id)
  await bringUp(current, { ...context, signal: new AbortController().signal })
  if (stored !== undefined) await platform.engine.volumes.remove(volume)
}

/** Gives up what was before the upgrade. */
export async function finishUpgrade(service: Service, context: ServiceContext): Promise<Generation> {
  return serviceTurn(service, 'services:upgrade', context, async (current) => {
    const { previous, ...rest } = withPrevious(current)
    const { engine, instance, store } = context.platform
    await store.services.save(rest)
    await engine.volumes.remove(volumeOf(instance.name, current.id, previous.number))
    const { imageId } = previous
    // Its tag is that of another image by now: nobody else would find it.
    if (imageId !== undefined && (await engine.images.inspect(imageId))?.tags.length === 0) {
      await engine.images.remove(imageId)
    }
    return previous
  })
}

/** Goes back to what was before the upgrade; what was written since is lost. */
export async function undoUpgrade(service: Service, context: ServiceContext): Promise<Generation> {
  return serviceTurn(service, 'services:upgrade', context, async (current) => {
    const { previous, ...rest } = withPrevious(current)
    const back = { ...rest, current: previous }
    await context.platform.store.services.save(back)
    await bringUp(back, context)
    await context.platform.engine.volumes.remove(
      volumeOf(context.platform.instance.name, current.id, current.current.number),
    )
    return previous
  })
}

function withPrevious(service: Service): Service & { previous: Generation } {
  const { previous } = service
  if (previous !== undefined) return { ...service, previous }
  throw new PaasError('NOT_FOUND', `There is no upgrade of ${service.name} to confirm.`, {
    hint: `paas services:upgrade ${service.name}`,
  })
}
