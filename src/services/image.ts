import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { baseImage } from '../build/base-image.ts'
import { buildOutput } from '../build/build-output.ts'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type Generation } from '../model/service.ts'
import { type ServiceContext } from './context.ts'
import { examineImage } from './examine.ts'
import { pullImage } from './pull.ts'
import { type Datastore } from './service.ts'

/** Tag of our own image of a datastore. */
export const imageOf = ({ kind, image }: Datastore): string => `paas/service-${kind}:${image.version}`

/** In every image: what exposes a service, and what compresses its dumps. */
const always = ['socat', 'zstd']

/** What a service's containers are made from. */
type Chosen = Pick<Generation, 'image' | 'imageId' | 'user'>

/**
 * Makes sure of the image that a service is to run from now on; one of somebody else is looked into. `brought`: it was
 * not here before. `fresh` builds or pulls it again. Throws NOT_FOUND, INVALID_INPUT, BUILD_FAILED or DOCKER_FAILED.
 */
export async function takeImage(
  datastore: Datastore,
  image: string,
  context: ServiceContext,
  options: { fresh?: boolean } = {},
): Promise<{ chosen: Chosen; brought: boolean }> {
  const { platform, say, signal } = context
  const { images } = platform.engine
  if (image === imageOf(datastore)) {
    await ensureImage(datastore, { image }, context, options)
    return { chosen: { image }, brought: false }
  }
  const before = await images.inspect(image)
  if (before === undefined) await pullImage(image, context)
  else if (options.fresh === true && before.inRegistry) {
    await pullImage(image, context).catch((error: unknown) => {
      signal.throwIfAborted()
      say(`${messageOf(error)} Taking what is here under this name.`)
    })
  }
  const found = await images.inspect(image)
  const brought = before === undefined
  try {
    const user = await examineImage(datastore, image, context)
    return {
      chosen: { image, ...(found && { imageId: found.id }), ...(user !== datastore.user && { user }) },
      brought,
    }
  } catch (error) {
    if (brought) await dropImage(image, platform)
    throw error
  }
}

/** Removes an image of somebody else, unless anything else uses it. */
export const dropImage = (image: string, { engine }: ServiceContext['platform']): Promise<void> =>
  engine.images.remove(image)

/**
 * Makes sure that an image is there, and resolves to what the engine knows it by: our own is built from Debian's
 * packages, any other one is pulled. `fresh` builds it again. Throws as `takeImage`.
 */
export async function ensureImage(
  datastore: Datastore,
  { image, imageId }: Chosen,
  context: ServiceContext,
  options: { fresh?: boolean } = {},
): Promise<string> {
  const { platform, say, signal } = context
  const { images } = platform.engine
  if (imageId !== undefined && (await images.inspect(imageId)) !== undefined) return imageId
  if ((await images.inspect(image)) !== undefined && options.fresh !== true) return image
  if (image !== imageOf(datastore)) {
    await pullImage(image, context)
    return image
  }
  if ((await images.inspect(baseImage)) === undefined) {
    throw new PaasError('BUILD_FAILED', `The base image ${baseImage} is missing.`, {
      hint: 'paas base:build',
    })
  }
  say(`Building ${image} from Debian's packages: once, for all services of this kind`)
  await platform.queues.run(`image ${image}`, { owner: 'paas', verb: 'build', signal }, async () => {
    const made = options.fresh !== true && (await images.inspect(image)) !== undefined
    if (!made) await build(datastore, image, platform, { noCache: options.fresh === true, signal })
  })
  return image
}

async function build(
  datastore: Datastore,
  tag: string,
  { engine, instance }: ServiceContext['platform'],
  { noCache, signal }: { noCache: boolean; signal: AbortSignal },
): Promise<void> {
  const lines: string[] = []
  const output = buildOutput((line) => lines.push(line))
  const result = await engine.images.build({
    context: contextOf(datastore),
    dockerfile: 'Dockerfile',
    tag,
    labels: {
      'paas.instance': instance.name,
      'paas.kind': datastore.kind,
      'org.opencontainers.image.title': `paas ${datastore.title}`,
    },
    buildArgs: {},
    target: undefined,
    noCache,
    secrets: {},
    registries: {},
    signal,
    onProgress: (progress) => output.show(progress),
  })
  if ('imageId' in result) return
  throw new PaasError(
    'BUILD_FAILED',
    `${tag} could not be built: ${result.error}\n${lines.slice(-10).join('\n')}`,
    {
      hint: "Can this server reach Debian's archive?",
    },
  )
}

/** The Dockerfile and the script that it runs. */
function contextOf({ image, dataFolder, user }: Datastore): Readable {
  const { packages, before = '', after = '', path } = image
  const folder =
    dataFolder === undefined
      ? ''
      : `install -d -o ${user} -g ${user} -m 700 ${dataFolder}\nfind ${dataFolder} -mindepth 1 -delete`
  const install = `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
${before}
apt-get install -y --no-install-recommends ${[...packages, ...always].join(' ')}
${after}
${folder}
rm -rf /var/lib/apt/lists/* /var/log/*
`
  const dockerfile = `FROM ${baseImage}
${path === undefined ? '' : `ENV PATH=${path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`}
RUN --mount=type=bind,target=/context sh /context/install
`
  const packed = pack()
  packed.entry({ name: 'Dockerfile' }, dockerfile)
  packed.entry({ name: 'install' }, install)
  packed.finalize()
  return Readable.from(packed, { objectMode: false })
}
