/**
 * What each buildpack costs, by a sample of it: the size of its image and how much of that is the stack, the first
 * build with nothing cached, and a build after a changed line beside a bare `docker build` of the same Dockerfile in
 * the same context. The two take turns, so that whatever else the machine does meets both. Prints a table; exits 1
 * where a changed line costs more than the limit over all samples. Needs root, Docker and the base (paas base:build).
 *
 *     node test/bench/buildpacks/buildpacks.ts [pairs] [sample…]
 */
import { spawn } from 'node:child_process'
import { appendFile, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { baseImage, baseInfo } from '../../../src/build/base-image.ts'
import { buildImage } from '../../../src/build/build-image.ts'
import { buildContext } from '../../../src/build/context.ts'
import { loadBuildpacks } from '../../../src/build/buildpack.ts'
import { planBuild } from '../../../src/build/detect.ts'
import { spoolSource } from '../../../src/build/source.ts'
import { openEngine } from '../../../src/docker/engine.ts'

const limit = 1.15
const { values, positionals: named } = parseArgs({
  allowPositionals: true,
  options: { pairs: { type: 'string', default: '5' }, minutes: { type: 'string', default: '9' } },
})
const pairs = Number(values.pairs)
const began = performance.now()
const isLate = (): boolean => performance.now() - began > Number(values.minutes) * 60_000
const repository = join(import.meta.dirname, '../../..')
const apps = join(repository, 'test/apps')
/** Of each sample, a file whose change leaves its dependencies as they are, and what starts a comment in it. */
const samples: Record<string, [file: string, comment: string]> = {
  'bun-hello': ['server.ts', '//'],
  'deno-hello': ['main.ts', '//'],
  'elixir-plain': ['lib/hello.ex', '#'],
  'go-plain': ['main.go', '//'],
  'heroku-folder': ['page.txt', '#'],
  'java-jar': ['README', '#'],
  'java-war': ['README', '#'],
  'node-hello': ['server.js', '//'],
  'node-npm': ['src/server.ts', '//'],
  'php-plain': ['src/greeting.php', '//'],
  'python-wheel': ['app.py', '#'],
  'ruby-vendored': ['server.rb', '#'],
  'rust-plain': ['src/main.rs', '//'],
  'static-site': ['note.txt', '#'],
}
const strange = named.filter((name) => samples[name] === undefined)
if (strange.length > 0)
  throw new Error(`no sample ${strange.join(', ')}; there are: ${Object.keys(samples).join(', ')}`)
const engine = openEngine('/var/run/docker.sock')
await engine.negotiate()
const base = await baseInfo(engine)
if (base === undefined) throw new Error('there is no base: paas base:build')
const buildpacks = await loadBuildpacks([join(repository, 'buildpacks')])
const scratch = await mkdtemp(join(tmpdir(), 'paas-bench-'))
const tags = new Set<string>()
/** Build context → the arguments that its Dockerfile is built with. */
const buildArgs = new Map<string, Record<string, string>>()

/** Languages whose stack has been built. */
const stacks = new Set<string>()

type Row = {
  sample: string
  mb: number
  stackMb: number
  /** Undefined where time did not allow for it. */
  cold: number | undefined
  ours: number
  bare: number
  ratio: number
}

try {
  const rows: Row[] = []
  const load = loadavg()[0]!
  for (const sample of named.length === 0 ? Object.keys(samples) : named) {
    try {
      rows.push(await measured(sample))
    } catch (error) {
      process.exitCode = 1
      console.error(`${sample}: ${(error as Error).message}`)
    }
  }
  report(rows, await fromAlone(), load)
} finally {
  for (const tag of tags) await engine.images.remove(tag)
  await rm(scratch, { recursive: true, force: true })
}

async function measured(sample: string): Promise<Row> {
  const folder = join(scratch, sample)
  const context = join(scratch, `${sample}.context`)
  await cp(join(apps, sample), folder, { recursive: true })
  const isFirst = !isLate() || !stacks.has(sample.split('-')[0]!)
  stacks.add(sample.split('-')[0]!)
  const first = await ours(folder, sample, { noCache: isFirst })
  const { sourceFolder } = await unpackContext(folder, context)
  await bare(context, sample)
  const [file, comment] = samples[sample]!
  const times: { ours: number; bare: number }[] = []
  for (let i = 0; i < (isLate() ? Math.min(2, pairs) : pairs); i++) {
    const line = `\n${comment} change ${i} ${Math.random()}\n`
    await appendFile(join(folder, file), line)
    await appendFile(join(context, sourceFolder, file), line)
    if (i % 2 === 0) times.push({ ours: await ours(folder, sample), bare: await bare(context, sample) })
    else {
      const before = await bare(context, sample)
      times.push({ ours: await ours(folder, sample), bare: before })
    }
  }
  // What other work of the machine adds is never negative, so the fastest is nearest to what it costs.
  const fastest = {
    ours: Math.min(...times.map((one) => one.ours)),
    bare: Math.min(...times.map((one) => one.bare)),
  }
  const bytes = await sizes(`paas-bench/${sample}:ours`)
  const row = {
    sample,
    mb: bytes.all / 1e6,
    stackMb: bytes.stack / 1e6,
    cold: isFirst ? first : undefined,
    ...fastest,
    ratio: fastest.ours / fastest.bare,
  }
  console.error(line(row))
  return row
}

/** Seconds from a tar, as git gives it, to the image: what a push spends on its build. */
async function ours(folder: string, sample: string, { noCache = false } = {}): Promise<number> {
  const tag = `paas-bench/${sample}:ours`
  tags.add(tag)
  const since = performance.now()
  const source = await spool(folder)
  await buildImage(engine, planBuild(source, { buildpacks }), source, {
    tag,
    labels: { 'paas.instance': 'bench' },
    cacheScope: `bench-${process.pid}`,
    noCache,
    onLine: () => undefined,
    signal: AbortSignal.timeout(900_000),
  })
  return (performance.now() - since) / 1000
}

async function spool(folder: string) {
  const tar = spawn('tar', ['-C', folder, '-cf', '-', ...(await readdir(folder))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return spoolSource(tar.stdout, join(scratch, 'source.tar'))
}

/** The context that a build sends, as a folder for docker build. */
async function unpackContext(folder: string, target: string): Promise<{ sourceFolder: string }> {
  const source = await spool(folder)
  const plan = planBuild(source, { buildpacks })
  await mkdir(target)
  const untar = spawn('tar', ['-C', target, '-xf', '-'], { stdio: ['pipe', 'inherit', 'inherit'] })
  // A secret needs more of a client than curl is, and a sample has none.
  const dockerfile = plan.dockerfile.replaceAll('--mount=type=secret,id=env', '')
  await pipeline(buildContext(plan, source, dockerfile), untar.stdin)
  await new Promise((resolve) => untar.once('close', resolve))
  buildArgs.set(target, plan.buildArgs)
  return plan
}

/** What `docker build` does, on engines whose command line has no BuildKit too: a tar of the folder, sent to it. */
async function bare(context: string, sample: string): Promise<number> {
  const tag = `paas-bench/${sample}:bare`
  tags.add(tag)
  const query = new URLSearchParams({
    version: '2',
    t: tag,
    buildargs: JSON.stringify(buildArgs.get(context) ?? {}),
  })
  const since = performance.now()
  const tar = spawn('tar', ['-C', context, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const sent = spawn(
    'curl',
    [
      ...['--silent', '--show-error', '--unix-socket', '/var/run/docker.sock', '--data-binary', '@-'],
      ...['--header', 'content-type: application/x-tar', `http://docker/build?${query.toString()}`],
    ],
    { stdio: [tar.stdout, 'pipe', 'inherit'] },
  )
  const answer = await text(sent.stdout)
  if (!answer.includes('moby.image.id')) throw new Error(`${sample}: ${answer.slice(-1000)}`)
  return (performance.now() - since) / 1000
}

/** Bytes of an image, and of it without what the last stage copies: the app and its dependencies. */
async function sizes(tag: string): Promise<{ all: number; stack: number }> {
  const layers = (await engine.docker.getImage(tag).history()) as { CreatedBy: string; Size: number }[]
  const all = layers.reduce((sum, { Size }) => sum + Size, 0)
  const own = layers
    .filter(({ CreatedBy }) => /^COPY \/tree \//.test(CreatedBy))
    .reduce((sum, { Size }) => sum + Size, 0)
  return { all, stack: all - own }
}

/** Seconds of a build that does nothing but name the base. */
async function fromAlone(): Promise<number> {
  const folder = join(scratch, 'from-alone')
  await mkdir(folder)
  await appendFile(join(folder, 'Dockerfile'), `FROM ${baseImage}\n`)
  const times: number[] = []
  for (let i = 0; i < 5; i++) times.push(await bare(folder, 'from-alone'))
  return Math.min(...times)
}

function report(rows: Row[], from: number, load: number): void {
  if (rows.length === 0) return
  console.log('| sample | image MB | of it stack | cold s | a line changed s | bare docker build s | ratio |')
  console.log('| --- | --: | --: | --: | --: | --: | --: |')
  const mb = (base!.size / 1e6).toFixed(0)
  console.log(`| \`FROM ${baseImage}\` alone | ${mb} | ${mb} | | | ${from.toFixed(2)} | |`)
  for (const row of rows) console.log(line(row))
  const over = median(rows.map(({ ratio }) => ratio))
  console.log(
    `\nratio over all samples ${over.toFixed(2)}, limit ${limit}; ${pairs} pairs each, the fastest of them; ` +
      `load ${load.toFixed(1)} before; ${((performance.now() - began) / 60_000).toFixed(1)} minutes`,
  )
  if (over > limit) process.exitCode = 1
}

function line({ sample, mb, stackMb, cold, ours, bare, ratio }: Row): string {
  const cells = [
    mb.toFixed(0),
    stackMb.toFixed(0),
    cold?.toFixed(1) ?? '',
    ours.toFixed(2),
    bare.toFixed(2),
    ratio.toFixed(2),
  ]
  return `| ${sample} | ${cells.join(' | ')} |`
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
