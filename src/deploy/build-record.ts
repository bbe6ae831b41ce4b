import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { randomId } from '../lib/ids.ts'
import { type App } from '../model/app.ts'
import { type Build } from '../model/build.ts'
import { type DeployContext } from './context.ts'
import { renderEvent } from './render.ts'

/** Builds of an app that are remembered, with their logs. */
const kept = 20

/** One build while it runs. */
export type CurrentBuild = {
  id: string
  /** A folder of its own, removed at its end. */
  folder: string
  /** Changes what is stored about it. */
  note: (change: Partial<Build>) => Promise<void>
}

export const buildLog = (builds: string, appId: string, id: string): string =>
  join(builds, appId, `${id}.log`)

/**
 * Runs a build under a number of its own: what it reports is kept in a file, how it ends in the state, and it can
 * be cancelled. `task` resolves to the release that it became, and so does this.
 */
export async function recordBuild(
  app: App,
  from: Pick<Build, 'commit' | 'image'>,
  context: DeployContext,
  task: (build: CurrentBuild, context: DeployContext) => Promise<number>,
): Promise<number> {
  const { platform, actor, report } = context
  const id = randomId('b')
  const folder = join(platform.paths.builds, app.id, id)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = createWriteStream(buildLog(platform.paths.builds, app.id, id), { mode: 0o600 })
  // A full disk must not end the controller; the build's own output tells enough.
  file.on('error', () => undefined)
  const running = platform.builds.begin(id)
  let build: Build = {
    id,
    createdAt: platform.now().toISOString(),
    createdBy: actor,
    ...from,
    status: 'running',
  }
  const note = async (change: Partial<Build>): Promise<void> => {
    build = { ...build, ...change }
    await platform.store.builds.save(app.id, build)
  }
  const recorded: DeployContext = {
    ...context,
    signal: AbortSignal.any([context.signal, running.signal]),
    report: (event) => {
      report(event)
      file.write(renderEvent(event))
    },
  }
  try {
    await note({})
    const release = await task({ id, folder, note }, recorded)
    await note({ status: 'succeeded', release, finishedAt: platform.now().toISOString() })
    return release
  } catch (error) {
    const told = running.signal.aborted ? (running.signal.reason as Error) : error
    const cancelled = recorded.signal.aborted
    file.write(` !     ${messageOf(told)}\n`)
    await note({
      status: cancelled ? 'cancelled' : 'failed',
      reason: messageOf(told),
      finishedAt: platform.now().toISOString(),
    }).catch(() => undefined)
    throw told
  } finally {
    running.end()
    file.end()
    await rm(folder, { recursive: true, force: true })
    await forgetOld(app, context).catch(() => undefined)
  }
}

async function forgetOld({ id: app }: App, { platform }: DeployContext): Promise<void> {
  const old = (await platform.store.builds.list(app)).slice(kept)
  await platform.store.builds.remove(
    app,
    old.map(({ id }) => id),
  )
  await Promise.all(old.map(({ id }) => rm(buildLog(platform.paths.builds, app, id), { force: true })))
}

/** The build as it is: one that says it runs, and does not, ended with the controller that ran it. */
export function settled(build: Build, isRunning: boolean): Build {
  const unfinished = build.status === 'running' || build.status === 'queued'
  return unfinished && !isRunning ? { ...build, status: 'failed', reason: 'the controller stopped' } : build
}

/** Why a build that somebody cancelled ended. */
export const cancelledBy = (who: string): PaasError =>
  new PaasError('BUILD_CANCELLED', `The build was cancelled by ${who}.`)
