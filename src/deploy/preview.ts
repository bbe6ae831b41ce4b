import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable } from 'node:stream'
import { hostsOf } from '../apps/hosts.ts'
import { type Platform } from '../apps/platform.ts'
import { planBuild } from '../build/detect.ts'
import { spoolSource } from '../build/source.ts'
import { readCron } from '../cron/entries.ts'
import { messageOf } from '../errors/paas-error.ts'
import { randomId } from '../lib/ids.ts'
import { type App, type Formation } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { diffReleases, type ReleaseDiff } from './diff.ts'
import { draftFrom, firstShape, refuseSizes } from './draft.ts'
import { formationOf } from './formation.ts'
import { planOptionsOf } from './plan-options.ts'
import { strandedSettings } from './stranded.ts'
import { liveRelease } from './turn.ts'

/** What a push of a source would do. */
export type Preview = {
  builder: string
  why: string
  /** The version that the release would have. */
  version: number
  /** Against the live release; the image is not built, so it always differs. */
  diff: ReleaseDiff
  formation: Formation
  hosts: string[]
  port: number | undefined
  warnings: string[]
  /** What would stop the push before anything is built. */
  problem: string | undefined
}

/** Plans a push and changes nothing. Throws SOURCE_REFUSED for a source that would be refused. */
export async function previewPush(app: App, archive: () => Readable, platform: Platform): Promise<Preview> {
  const folder = join(platform.paths.builds, app.id, randomId('p'))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const source = await spoolSource(archive(), join(folder, 'source.tar'))
    const plan = planBuild(source, await planOptionsOf(app, platform))
    const cron = readCron(plan.cron)
    const live = await liveRelease({ platform }, app)
    const image: Release['image'] = {
      id: 'to be built',
      tag: '',
      builder: plan.builder,
      processes: plan.processes,
      checks: plan.checks,
      port: plan.port ?? 5000,
      scripts: plan.scripts,
      cron,
    }
    const before = await platform.store.apps.config(app.id)
    const globalConfig = await platform.store.globalConfig.get()
    const planned = { app, description: '', source, plan, cron }
    let config = before
    let problem: string | undefined
    try {
      refuseSizes(planned, await platform.engine.about())
      config = draftFrom(planned, image, { config: before, globalConfig }, platform.store.secrets).config
    } catch (error) {
      problem = messageOf(error)
    }
    const shape = firstShape(app, plan)
    const next: Release = {
      version: app.lastRelease + 1,
      createdAt: platform.now().toISOString(),
      createdBy: '',
      description: '',
      ...(live?.commit !== undefined && { commit: live.commit }),
      image,
      config,
      globalConfig,
      settings: { limits: shape.limits ?? app.limits ?? {}, checks: app.checks ?? {} },
      status: 'pending',
    }
    return {
      builder: plan.builder,
      why: plan.why,
      version: next.version,
      diff: diffReleases(live, next),
      formation: formationOf(shape, image),
      hosts: hostsOf(app, platform.instance.domain),
      port: plan.port,
      warnings: [...plan.warnings, ...strandedSettings(app, image)],
      problem,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
