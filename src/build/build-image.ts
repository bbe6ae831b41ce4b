import { createHash, createHmac } from 'node:crypto'
import { PaasError } from '../errors/paas-error.ts'
import { type Images } from '../docker/images.ts'
import { type Check } from '../model/check.ts'
import { buildContext } from './context.ts'
import { type GuardedDisk, needRoom, watchRoom } from './disk-guard.ts'
import { checksOfHealthcheck } from './healthcheck.ts'
import { type BuildLimits, limitBuilds } from './build-limits.ts'
import { buildOutput, type FailedStep, reasonOf } from './build-output.ts'
import { scopeDockerfile } from './dockerfile.ts'
import { likelyCause } from './likely-cause.ts'
import { type BuildPlan, defaultPort } from './plan.ts'
import { type Source } from './source.ts'

export type BuildOptions = {
  tag: string
  labels: Readonly<Record<string, string>>
  /** Cache mounts are shared by builds of the same scope only: the app's id. */
  cacheScope: string
  /** What all builds may use together; undefined: no cap. */
  limits?: BuildLimits
  /** Who makes the engine's cgroups, in which the limits hold. */
  cgroupDriver?: string | undefined
  /** Seconds until the build is given up. */
  timeoutSeconds?: number
  /** True: every step runs anew; what cache mounts hold is the scope's. */
  noCache?: boolean
  onLine: (line: string) => void
  signal: AbortSignal
  /** Secret id → content for `RUN --mount=type=secret`. */
  secrets?: Readonly<Record<string, Buffer>>
  registries?: Readonly<Record<string, { username: string; password: string }>>
  /** HTTP_PROXY and the like, which Docker keeps out of the image and its history. */
  proxy?: Readonly<Record<string, string>>
  /** Where the engine keeps images; undefined: nothing is watched. */
  disk?: GuardedDisk | undefined
}

/**
 * `port`: what web listens on, by the plan or, where that leaves it open, by the image's EXPOSE. `healthcheck`: what
 * the HEALTHCHECK of an image that is no buildpack's asks.
 */
export type BuiltImage = { imageId: string; port: number; healthcheck: Check[] }

/**
 * Builds a plan into an image. Lines come as the build prints them. Throws BUILD_FAILED with the step, its last
 * lines and a likely cause; an abort stops the build in the engine and throws BUILD_CANCELLED.
 */
export async function buildImage(
  { images }: { images: Pick<Images, 'build' | 'inspect' | 'pruneCache'> },
  plan: BuildPlan,
  source: Source,
  options: BuildOptions,
): Promise<BuiltImage> {
  const { timeoutSeconds = 1800 } = options
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
  const disk = new AbortController()
  const done = new AbortController()
  const output = buildOutput(options.onLine)
  if (options.disk !== undefined) {
    await needRoom(options.disk, images.pruneCache, options.onLine)
    void watchRoom(options.disk, done.signal, (error) => disk.abort(error))
  }
  const context = buildContext(plan, source, scopeDockerfile(plan.dockerfile, options.cacheScope))
  if (options.limits !== undefined) await limitBuilds(options.limits, options, done.signal)
  try {
    const result = await images.build({
      context,
      dockerfile: plan.dockerfilePath,
      tag: options.tag,
      labels: options.labels,
      buildArgs: {
        ...options.proxy,
        ...plan.buildArgs,
        ...configHash(plan, options),
        ...commitTime(plan, source, options),
      },
      target: plan.target,
      noCache: options.noCache ?? false,
      secrets: options.secrets ?? {},
      registries: options.registries ?? {},
      signal: AbortSignal.any([options.signal, timeout, disk.signal]),
      onProgress: (progress) => output.show(progress),
    })
    if ('error' in result) throw failure(result.error, output.failed(), options.limits?.memoryBytes)
    return await described(result.imageId, plan, images)
  } catch (error) {
    if (options.signal.aborted)
      throw new PaasError('BUILD_CANCELLED', 'The build was cancelled.', { cause: error })
    if (disk.signal.aborted) throw disk.signal.reason
    if (timeout.aborted)
      throw new PaasError('BUILD_FAILED', `The build did not end within ${timeoutSeconds / 60} minutes.`, {
        hint: 'Does a step wait for input, or start a server? An admin gives builds more time with: paas builds:set --timeout',
      })
    throw error
  } finally {
    done.abort()
    context.destroy()
  }
}

/** A buildpack knows how its image is run; of any other the image itself tells. */
async function described(
  imageId: string,
  plan: BuildPlan,
  images: Pick<Images, 'inspect'>,
): Promise<BuiltImage> {
  const isOwn = plan.builder === 'dockerfile' || plan.builder === 'image'
  const found = isOwn ? await images.inspect(imageId) : undefined
  return {
    imageId,
    port: plan.port ?? found?.ports[0] ?? defaultPort,
    healthcheck: checksOfHealthcheck(found?.healthcheck),
  }
}

/** The engine's cache does not look into secrets, so steps that use config vars get their hash to depend on. */
function configHash(plan: BuildPlan, { cacheScope, secrets }: BuildOptions): Record<string, string> {
  const env = secrets?.['env']
  if (env === undefined || !/^ARG CONFIG_HASH$/m.test(plan.dockerfile)) return {}
  return { CONFIG_HASH: createHmac('sha256', cacheScope).update(env).digest('hex').slice(0, 12) }
}

/** A little after the first time that a zip, a jar or a wheel can name. */
const earliest = 315_619_200

/**
 * The time of the commit, which `git archive` gives to all files, for steps that make something of them. Servers make
 * ETags of a file's time and size, so other config, of which the same commit can be built to other files of the same
 * size, moves it by up to an hour.
 */
function commitTime(plan: BuildPlan, { entries }: Source, { secrets }: BuildOptions): Record<string, string> {
  if (!/^ARG SOURCE_DATE_EPOCH$/m.test(plan.dockerfile)) return {}
  const newest = entries.reduce((latest, { mtime }) => Math.max(latest, mtime.getTime()), 0)
  const env = secrets?.['env']
  const earlier =
    env === undefined || env.length === 0
      ? 0
      : createHash('sha256').update(env).digest().readUInt16BE() % 3600
  return { SOURCE_DATE_EPOCH: String(Math.max(earliest, Math.floor(newest / 1000) - earlier)) }
}

/** Lines of a failed step that are its error's; all of it is in the log of the build. */
const shownLines = 20

function failure(error: string, step: FailedStep | undefined, memoryBytes: number | undefined): PaasError {
  const lines = step?.lines ?? []
  const shown = lines.slice(-shownLines)
  const what = step === undefined ? error : `${step.name}\n${[...shown, step.error].join('\n')}`
  const cause = likelyCause([...lines, reasonOf(error)].join('\n'), memoryBytes)
  return new PaasError(
    'BUILD_FAILED',
    `The build failed at ${what}`,
    cause === undefined ? {} : { hint: cause },
  )
}
