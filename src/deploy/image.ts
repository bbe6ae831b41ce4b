import { buildImage } from '../build/build-image.ts'
import { machineProxy } from '../build/machine-proxy.ts'
import { type Platform } from '../apps/platform.ts'
import { shellQuote } from '../lib/shell-words.ts'
import { type App } from '../model/app.ts'
import { type Image } from '../model/release.ts'
import { type Planned } from './build-and-release.ts'
import { type DeployContext } from './context.ts'
import { configOf } from './environment.ts'

/** What a build leaves free on the engine's disk, which apps and their databases share. */
const room = {
  least: { bytes: 1024 ** 3, files: 50_000 },
  cacheBelow: { bytes: 2 * 1024 ** 3, files: 100_000 },
}

/** Builds the image of a plan. Throws BUILD_FAILED or BUILD_CANCELLED; the build's layers stay as cache. */
export async function makeImage(
  { app, plan, source, commit, cron }: Planned,
  buildId: string,
  { noCache }: { noCache: boolean },
  { platform, report, signal }: DeployContext,
): Promise<Image> {
  const { buildMinutes, buildMemoryBytes, buildCpus } = await platform.store.settings.get()
  const began = performance.now()
  report({ type: 'stage:began', stage: 'build' })
  const tag = `paas/${app.id}:${buildId}`
  const { dataFolder, cgroupDriver } = await platform.engine.about()
  const { imageId, port, healthcheck } = await buildImage(platform.engine, plan, source, {
    tag,
    labels: {
      'paas.instance': platform.instance.name,
      'paas.app': app.id,
      'org.opencontainers.image.title': app.name,
      ...(commit !== undefined && { 'org.opencontainers.image.revision': commit }),
    },
    cacheScope: app.build?.cache === undefined ? app.id : `${app.id}-${app.build.cache}`,
    noCache,
    proxy: await machineProxy(),
    disk: dataFolder === undefined ? undefined : { folder: dataFolder, ...room },
    timeoutSeconds: buildMinutes * 60,
    limits: { memoryBytes: buildMemoryBytes, cpus: buildCpus },
    cgroupDriver,
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
    ...(healthcheck.length > 0 && { healthcheck }),
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
  // In one order, as steps depend on the whole: Redis has none.
  const sorted = Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const lines = sorted.map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
  return { env: Buffer.from(lines.join('')) }
}
