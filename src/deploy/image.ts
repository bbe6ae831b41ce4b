import { buildImage } from '../build/build-image.ts'
import { type Image } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { type Planned } from './push.ts'

/** Bytes that all builds together may use, so that a build does not starve live apps. */
const buildMemory = 2 * 1024 ** 3

/** Builds the image of a plan. Throws BUILD_FAILED or BUILD_CANCELLED; the build's layers stay as cache. */
export async function makeImage(
  planned: Planned,
  { platform, report, signal }: DeployContext,
): Promise<Image> {
  const { app, buildId, plan, source, commit } = planned
  const began = performance.now()
  report({ type: 'stage:began', stage: 'build' })
  const tag = `paas/${app.id}:${buildId}`
  const { imageId, port } = await buildImage(platform.engine, plan, source, {
    tag,
    labels: {
      'paas.instance': platform.instance.name,
      'paas.app': app.id,
      'org.opencontainers.image.revision': commit,
    },
    cacheScope: app.id,
    memoryBytes: buildMemory,
    onLine: (text) => report({ type: 'build:line', text }),
    signal,
  })
  const processTypes = Object.keys(plan.processes)
  report({ type: 'image:built', processTypes, seconds: (performance.now() - began) / 1000 })
  return {
    id: imageId,
    tag,
    builder: plan.builder,
    processes: plan.processes,
    checks: plan.checks,
    port,
  }
}
