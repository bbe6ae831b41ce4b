import { createHmac } from 'node:crypto'
import { PaasError } from '../errors/paas-error.ts'
import { type Images } from '../docker/images.ts'
import { buildContext } from './context.ts'
import { limitBuilds } from './build-limits.ts'
import { buildOutput, type FailedStep } from './build-output.ts'
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
  memoryBytes?: number
  /** Seconds until the build is given up. */
  timeoutSeconds?: number
  /** True: nothing is taken from cache, neither layers nor cache mounts. */
  clearCache?: boolean
  onLine: (line: string) => void
  signal: AbortSignal
  /** Secret id → content for `RUN --mount=type=secret`. */
  secrets?: Readonly<Record<string, Buffer>>
  registries?: Readonly<Record<string, { username: string; password: string }>>
  /** HTTP_PROXY and the like, which Docker keeps out of the image and its history. */
  proxy?: Readonly<Record<string, string>>
}

/** `port`: what web listens on, by the plan or, where that leaves it open, by the image's EXPOSE. */
export type BuiltImage = { imageId: string; port: number }

/**
 * Builds a plan into an image. Lines come as the build prints them. Throws BUILD_FAILED with the step, its last
 * lines and a likely cause; an abort stops the build in the engine and throws BUILD_CANCELLED.
 */
export async function buildImage(
  { images }: { images: Pick<Images, 'build' | 'inspect'> },
  plan: BuildPlan,
  source: Source,
  options: BuildOptions,
): Promise<BuiltImage> {
  const { timeoutSeconds = 1800 } = options
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
  const output = buildOutput(options.onLine)
  // A new scope is an empty cache; the old one's mounts are pruned by the engine in time.
  const scope = options.clearCache === true ? `${options.cacheScope}-${Date.now()}` : options.cacheScope
  const context = buildContext(plan, source, scopeDockerfile(plan.dockerfile, scope))
  if (options.memoryBytes !== undefined) await limitBuilds(options.memoryBytes)
  try {
    const result = await images.build({
      context,
      dockerfile: 'Dockerfile',
      tag: options.tag,
      labels: options.labels,
      buildArgs: { ...options.proxy, ...plan.buildArgs, ...configHash(plan, options) },
      target: plan.target,
      noCache: options.clearCache ?? false,
      secrets: options.secrets ?? {},
      registries: options.registries ?? {},
      signal: AbortSignal.any([options.signal, timeout]),
      onProgress: (progress) => output.show(progress),
    })
    if ('error' in result) throw failure(result.error, output.failed(), options.memoryBytes)
    return { imageId: result.imageId, port: plan.port ?? (await exposedPort(images, result.imageId)) }
  } catch (error) {
    if (options.signal.aborted)
      throw new PaasError('BUILD_CANCELLED', 'the build was cancelled', { cause: error })
    if (timeout.aborted)
      throw new PaasError('BUILD_FAILED', `the build did not end within ${timeoutSeconds / 60} minutes`, {
        hint: 'does a step wait for input, or start a server?',
      })
    throw error
  } finally {
    context.destroy()
  }
}

async function exposedPort(images: Pick<Images, 'inspect'>, imageId: string): Promise<number> {
  return (await images.inspect(imageId))?.ports[0] ?? defaultPort
}

/** The engine's cache does not look into secrets, so steps that use config vars get their hash to depend on. */
function configHash(plan: BuildPlan, { cacheScope, secrets }: BuildOptions): Record<string, string> {
  const env = secrets?.['env']
  if (env === undefined || !/^ARG CONFIG_HASH$/m.test(plan.dockerfile)) return {}
  return { CONFIG_HASH: createHmac('sha256', cacheScope).update(env).digest('hex').slice(0, 12) }
}

function failure(error: string, step: FailedStep | undefined, memoryBytes: number | undefined): PaasError {
  const lines = step?.lines ?? []
  const what = step === undefined ? error : `${step.name}\n${[...lines, step.error].join('\n')}`
  const cause = likelyCause([...lines, error].join('\n'), memoryBytes)
  return new PaasError(
    'BUILD_FAILED',
    `the build failed at ${what}`,
    cause === undefined ? {} : { hint: cause },
  )
}
