import { PaasError } from '../errors/paas-error.ts'
import { type Engine } from '../docker/engine.ts'
import { buildContext } from './context.ts'
import { buildOutput, type FailedStep } from './build-output.ts'
import { scopeDockerfile } from './dockerfile.ts'
import { likelyCause } from './likely-cause.ts'
import { type BuildPlan } from './plan.ts'
import { type Source } from './source.ts'

export type BuildOptions = {
  tag: string
  labels: Readonly<Record<string, string>>
  /** Cache mounts are shared by builds of the same scope only: the app's id. */
  cacheScope: string
  /** What builds may use together, for error messages; build-memory.ts sets it. */
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

/**
 * Builds a plan into an image. Lines come as the build prints them. Throws BUILD_FAILED with the step, its last
 * lines and a likely cause; an abort stops the build in the engine and throws BUILD_CANCELLED.
 */
export async function buildImage(
  { images }: Pick<Engine, 'images'>,
  plan: BuildPlan,
  source: Source,
  options: BuildOptions,
): Promise<{ imageId: string }> {
  const { timeoutSeconds = 1800 } = options
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
  const output = buildOutput(options.onLine)
  // A new scope is an empty cache; the old one's mounts are pruned by the engine in time.
  const scope = options.clearCache === true ? `${options.cacheScope}-${Date.now()}` : options.cacheScope
  const context = buildContext(plan, source, scopeDockerfile(plan.dockerfile, scope))
  try {
    const result = await images.build({
      context,
      dockerfile: 'Dockerfile',
      tag: options.tag,
      labels: options.labels,
      buildArgs: { ...options.proxy, ...plan.buildArgs },
      target: plan.target,
      noCache: options.clearCache ?? false,
      secrets: options.secrets ?? {},
      registries: options.registries ?? {},
      signal: AbortSignal.any([options.signal, timeout]),
      onProgress: (progress) => output.show(progress),
    })
    if ('imageId' in result) return result
    throw failure(result.error, output.failed(), options.memoryBytes)
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
