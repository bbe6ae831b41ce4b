import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pack, type Pack } from 'tar-stream'
import { PaasError } from '../errors/paas-error.ts'
import { type Engine } from '../docker/engine.ts'
import { buildOutput } from './build-output.ts'

/** The Node that apps get without a wish of their own; its tag is the major version. */
export const nodeImage = 'paas/node:26'

/** Folders of a Node distribution (`bin/node`, `include`) and of the npm package. */
export type NodeRuntime = { node: string; npm: string }

/** No registry has this image: Node comes from the folders that set-up verified, so an app's push needs none. */
const dockerfile = (base: string): string => `FROM ${base}
COPY usr /usr
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\
 && node --version && npm --version
`

/** Builds the stack image of Node on the base. */
export async function buildNodeImage(
  { images }: Pick<Engine, 'images'>,
  options: {
    instance: string
    base: string
    runtime: NodeRuntime
    onLine: (line: string) => void
    signal: AbortSignal
  },
): Promise<void> {
  const { runtime, onLine, signal } = options
  const version = await versionOf(runtime)
  const output = buildOutput(onLine)
  const result = await images.build({
    context: context(runtime, options.base),
    dockerfile: 'Dockerfile',
    tag: nodeImage,
    labels: { 'paas.instance': options.instance, 'paas.node': version },
    buildArgs: {},
    target: undefined,
    noCache: false,
    secrets: {},
    registries: {},
    signal,
    onProgress: (progress) => output.show(progress),
  })
  if ('error' in result)
    throw new PaasError('BUILD_FAILED', `${nodeImage} could not be built: ${result.error}`)
}

async function versionOf({ node }: NodeRuntime): Promise<string> {
  const header = await readFile(join(node, 'include/node/node_version.h'), 'utf8').catch((cause: unknown) => {
    throw new PaasError('BUILD_FAILED', `There is no Node in ${node}.`, {
      hint: 'Run bin/setup again.',
      cause,
    })
  })
  const part = (name: string): string =>
    new RegExp(`^#define NODE_${name}_VERSION (\\d+)$`, 'm').exec(header)?.[1] ?? '0'
  return [part('MAJOR'), part('MINOR'), part('PATCH')].join('.')
}

function context(runtime: NodeRuntime, base: string): Readable {
  const packed = pack()
  fill(packed, runtime, base).catch((error: unknown) => packed.destroy(error as Error))
  return Readable.from(packed, { objectMode: false })
}

async function fill(packed: Pack, { node, npm }: NodeRuntime, base: string): Promise<void> {
  await add(packed, 'Dockerfile', Buffer.from(dockerfile(base)), 0o644)
  await add(packed, 'usr/local/bin/node', await readFile(join(node, 'bin/node')), 0o755)
  // The headers are what packages with native code are compiled against.
  await addFolder(packed, join(node, 'include/node'), 'usr/local/include/node')
  await addFolder(packed, npm, 'usr/local/lib/node_modules/npm')
  packed.finalize()
}

async function addFolder(packed: Pack, folder: string, prefix: string): Promise<void> {
  for (const entry of (await readdir(folder, { recursive: true, withFileTypes: true })).toSorted(byPath)) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile()) continue
    const { mode } = await stat(path)
    await add(
      packed,
      join(prefix, path.slice(folder.length + 1)),
      await readFile(path),
      (mode & 0o111) === 0 ? 0o644 : 0o755,
    )
  }
}

const byPath = (a: { parentPath: string; name: string }, b: { parentPath: string; name: string }): number =>
  join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1

/** One fixed time and owner, so that the same Node gives the same layer. */
function add(packed: Pack, name: string, content: Buffer, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error == null ? resolve() : reject(error))
    packed.entry({ name, mode, mtime: new Date(0), size: content.length }, content, done)
  })
}
