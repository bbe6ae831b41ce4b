import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { baseInfo, buildBase } from '../../../src/build/base-image.ts'
import { buildImage, type BuildOptions, type BuiltImage } from '../../../src/build/build-image.ts'
import { loadBuildpacks } from '../../../src/build/buildpack.ts'
import { planBuild, type PlanOptions } from '../../../src/build/detect.ts'
import { type BuildPlan } from '../../../src/build/plan.ts'
import { type Source, spoolSource } from '../../../src/build/source.ts'
import { openEngine } from '../../../src/docker/engine.ts'

export const engine = openEngine('/var/run/docker.sock')
await engine.negotiate()

/** Marks everything that these tests make. */
export const label = `build-test-${process.pid}`

const repository = join(import.meta.dirname, '../../..')
export const samples = join(repository, 'test/apps')
export const buildpacks = await loadBuildpacks([join(repository, 'buildpacks')])

/** Builds the base where there is none, from the Node that runs the tests and the npm beside it. */
export async function needBase(): Promise<void> {
  if ((await baseInfo(engine))?.node !== undefined) return
  const node = join(dirname(process.execPath), '..')
  await buildBase(engine, {
    instance: label,
    runtime: { node, npm: join(node, '../npm') },
    onLine: () => undefined,
    signal: AbortSignal.timeout(300_000),
  })
}

export type Built = AsyncDisposable &
  BuiltImage & { plan: BuildPlan; lines: string[]; tag: string; seconds: number }

/** Builds a source; the image goes when this is disposed of. */
export async function built(
  source: Source,
  options: Partial<BuildOptions> & { plan?: Partial<PlanOptions> } = {},
): Promise<Built> {
  const plan = planBuild(source, { buildpacks, ...options.plan })
  const tag = `paas-test/${label}:${Math.random().toString(36).slice(2)}`
  const lines: string[] = []
  const since = performance.now()
  const image = await buildImage(engine, plan, source, {
    tag,
    labels: { 'paas.instance': label },
    cacheScope: label,
    onLine: (line) => lines.push(line),
    signal: AbortSignal.timeout(290_000),
    ...options,
  })
  const seconds = (performance.now() - since) / 1000
  return { ...image, plan, lines, tag, seconds, [Symbol.asyncDispose]: () => engine.images.remove(tag) }
}

/** A folder as a pushed source. */
export async function sourceOfFolder(folder: string): Promise<AsyncDisposable & { source: Source }> {
  const scratch = await mkdtemp(join(tmpdir(), 'paas-source-'))
  const names = (await readdir(folder)).filter((name) => name !== 'node_modules')
  const tar = spawn('tar', ['-C', folder, '-cf', '-', ...names], { stdio: ['ignore', 'pipe', 'inherit'] })
  const source = await spoolSource(tar.stdout, join(scratch, 'source.tar'))
  return { source, [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }) }
}

export type Running = AsyncDisposable & { id: string; address: string }

/** Starts an image with the limits that apps run under. */
export async function started(
  image: string,
  command: string | undefined,
  port: number,
  env: string[] = [],
): Promise<Running> {
  const container = await engine.docker.createContainer({
    Image: image,
    ...(command !== undefined && { Cmd: ['/bin/sh', '-c', command] }),
    Env: [`PORT=${port}`, ...env],
    Labels: { 'paas.instance': label },
    HostConfig: {
      Init: true,
      CapDrop: ['ALL'],
      CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID', 'NET_BIND_SERVICE'],
      SecurityOpt: ['no-new-privileges'],
      Memory: 512 * 1024 ** 2,
      PidsLimit: 1024,
    },
  })
  await container.start()
  const { NetworkSettings } = await container.inspect()
  return {
    id: container.id,
    address: `http://${NetworkSettings.Networks['bridge']?.IPAddress ?? ''}:${port}`,
    [Symbol.asyncDispose]: () => container.remove({ force: true, v: true }) as Promise<void>,
  }
}

/** Runs a command in an image to its end; its output, standard error included. */
export async function outputOf(image: string, ...command: string[]): Promise<string> {
  const child = spawn('docker', ['run', '--rm', '--entrypoint', command[0]!, image, ...command.slice(1)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => child.once('close', resolve))
  return Buffer.concat(chunks).toString('utf8')
}
