import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { baseImage } from '../build/base-image.ts'
import { buildOutput } from '../build/build-output.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type ServiceContext } from './context.ts'
import { type Datastore } from './service.ts'

/** Tag of our own image of a datastore. */
export const imageOf = ({ kind, image }: Datastore): string => `paas/service-${kind}:${image.version}`

/** In every image: what exposes a service, and what compresses its dumps. */
const always = ['socat', 'zstd']

/**
 * Makes sure that an image is there: our own is built from Debian's packages, any other one is pulled. `fresh`
 * builds or pulls it again. Throws BUILD_FAILED or DOCKER_FAILED.
 */
export async function ensureImage(
  datastore: Datastore,
  image: string,
  { platform, say, signal }: ServiceContext,
  options: { fresh?: boolean } = {},
): Promise<void> {
  const { images } = platform.engine
  const found = await images.inspect(image)
  if (found !== undefined && options.fresh !== true) return
  if (image !== imageOf(datastore)) {
    say(`Pulling ${image}`)
    await images.pull(image, { signal, onStatus: () => undefined })
    return
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
