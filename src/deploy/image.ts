import { buildImage } from '../build/build-image.ts'
import { type Platform } from '../apps/platform.ts'
import { shellQuote } from '../lib/shell-words.ts'
import { type App } from '../model/app.ts'
import { type Image } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { configOf } from './environment.ts'
import { type Planned } from './push.ts'

/** Bytes that all builds together may use, so that a build does not starve live apps. */
const buildMemory = 2 * 1024 ** 3

/** Builds the image of a plan. Throws BUILD_FAILED or BUILD_CANCELLED; the build's layers stay as cache. */
export async function makeImage(
  planned: Planned,
  { platform, report, signal }: DeployContext,
): Promise<Image> {
  const { app, buildId, plan, source, commit, cron } = planned
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
    secrets: await buildSecrets(app, platform),
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
    scripts: plan.scripts,
    cron,
  }
}

/**
 * The app's config, for steps that mount the secret `env`: shell lines, in no layer and no history. What is cached
 * stays cached when a value changes.
 */
async function buildSecrets(app: App, { store }: Platform): Promise<Record<string, Buffer>> {
  const [config, globalConfig] = await Promise.all([store.apps.config(app.id), store.globalConfig.get()])
  const values = configOf(app, { config, globalConfig }, store.secrets)
  const lines = Object.entries(values).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
  return { env: Buffer.from(lines.join('')) }
}
