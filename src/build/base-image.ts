import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Engine } from '../docker/engine.ts'
import { PaasError } from '../errors/paas-error.ts'
import { bootstrapDebian, type Bootstrapped } from './bootstrap-debian.ts'
import { machineCertificates } from './machine-ca.ts'
import { buildNodeImage, nodeImage, type NodeRuntime } from './node-image.ts'

/** The image that every app and service of ours starts from: Debian stable, from Debian's signed archive. */
export const baseImage = 'paas/base:trixie'
const suite = 'trixie'

export type BaseOptions = {
  /** Value of the label `paas.instance`. */
  instance: string
  /** Where set-up put Node and npm. */
  runtime: NodeRuntime
  onLine: (line: string) => void
  signal: AbortSignal
}

export type BaseInfo = {
  image: string
  id: string
  /** Debian's point release: 13.7. */
  debian: string
  /** Hash of the list of packages and versions: two bases with the same one are the same. */
  packages: string
  builtAt: string
  size: number
  /** Layers, for finding the images that stand on it. */
  layers: string[]
  node: { image: string; id: string; version: string; size: number } | undefined
}

/**
 * Builds the base and the stack images on it; each tag moves only once its new image is complete. Where Debian
 * has nothing new, the base stays the image it is, and with it every cached layer on it.
 */
export async function buildBase({ images }: Pick<Engine, 'images'>, options: BaseOptions): Promise<BaseInfo> {
  const { instance, runtime, onLine, signal } = options
  const before = await images.inspect(baseImage)
  const folder = await mkdtemp(join(tmpdir(), 'paas-base-'))
  try {
    const certificates = await machineCertificates()
    const ca = await writeAll(folder, certificates)
    const root = await bootstrapDebian({ suite, folder, certificates: ca, onLine, signal })
    const contents = await settings(root, certificates.length > 0)
    if (before?.labels[contentsLabel] === hash(contents)) onLine(`${baseImage} is up to date`)
    else {
      onLine(`importing ${baseImage}`)
      const labels = [`LABEL ${contentsLabel}=${hash(contents)}`, `LABEL paas.instance=${instance}`]
      await images.import(createReadStream(root.tar), baseImage, [...contents, ...labels])
    }
    await buildNodeImage({ images }, { instance, base: baseImage, runtime, onLine, signal })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const info = await baseInfo({ images })
  if (info === undefined) throw new PaasError('BUILD_FAILED', `${baseImage} vanished while it was built.`)
  // Images of apps keep the old one's layers; without a name and with nothing on it, it goes.
  if (before !== undefined && before.id !== info.id) await images.remove(before.id)
  return info
}

/** Label whose value changes when, and only when, anything in the image does. */
const contentsLabel = 'paas.base.contents'

const hash = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)

async function settings(root: Bootstrapped, hasCertificates: boolean): Promise<string[]> {
  const digest = createHash('sha256')
  await pipeline(createReadStream(root.tar), digest)
  const labels = {
    'paas.base.debian': (await readFile(root.version, 'utf8')).trim(),
    'paas.base.packages': hash([await readFile(root.packages, 'utf8')]),
    'paas.base.root': digest.digest('hex'),
    'org.opencontainers.image.title': 'paas base',
  }
  return [
    ...Object.entries(environment(hasCertificates)).map(([key, value]) => `ENV ${key}=${value}`),
    ...Object.entries(labels).map(([key, value]) => `LABEL ${key}=${JSON.stringify(value)}`),
    'CMD ["/bin/bash"]',
  ]
}

/** What base there is; undefined before the first `base:build`. */
export async function baseInfo({ images }: Pick<Engine, 'images'>): Promise<BaseInfo | undefined> {
  const found = await images.inspect(baseImage)
  if (found === undefined) return undefined
  const node = await images.inspect(nodeImage)
  return {
    image: baseImage,
    id: found.id,
    debian: found.labels['paas.base.debian'] ?? '',
    packages: found.labels['paas.base.packages'] ?? '',
    builtAt: found.createdAt,
    size: found.size,
    layers: found.layers,
    node: node && { image: nodeImage, id: node.id, version: node.labels['paas.node'] ?? '', size: node.size },
  }
}

/** Where update-ca-certificates looks; and all of them in one file for Node, which has a store of its own. */
const certificateFolder = 'usr/local/share/ca-certificates'
const certificateFile = 'paas-machine.pem'

async function writeAll(folder: string, certificates: readonly string[]): Promise<string | undefined> {
  if (certificates.length === 0) return undefined
  const target = join(folder, 'ca')
  await mkdir(target)
  await Promise.all(
    certificates.map((pem, index) => writeFile(join(target, `paas-machine-${index}.crt`), `${pem}\n`)),
  )
  await writeFile(join(target, certificateFile), `${certificates.join('\n')}\n`)
  return target
}

/** For programs that bring certificates of their own instead of using the system's. */
function environment(hasOwnCertificates: boolean): Record<string, string> {
  const system = '/etc/ssl/certs/ca-certificates.crt'
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    ...(hasOwnCertificates && {
      NODE_EXTRA_CA_CERTS: `/${certificateFolder}/${certificateFile}`,
      SSL_CERT_FILE: system,
      REQUESTS_CA_BUNDLE: system,
      PIP_CERT: system,
      CARGO_HTTP_CAINFO: system,
    }),
  }
}
