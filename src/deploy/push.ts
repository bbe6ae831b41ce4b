import { join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { planBuild } from '../build/detect.ts'
import { type Source, spoolSource } from '../build/source.ts'
import { readCron } from '../cron/entries.ts'
import { type App } from '../model/app.ts'
import { buildAndRelease, type Planned } from './build-and-release.ts'
import { type CurrentBuild } from './build-record.ts'
import { type DeployContext } from './context.ts'
import { planOptionsOf } from './plan-options.ts'
import { strandedSettings } from './stranded.ts'

/** A pushed commit of an app; `archive` is its `git archive` tar, and is read when the app's turn comes. */
export type Push = {
  app: App
  branch: string
  commit: string
  archive: () => Readable
  /** Nothing is taken from cache (`git push -o clear-cache`). */
  clearCache?: boolean
}

/** Push → Plan → Image → Release → Candidates → Healthy → Routed → Retired; resolves to the release's version. */
export async function deploy(push: Push, context: DeployContext): Promise<number> {
  const { app, commit, clearCache = false } = push
  return buildAndRelease(
    {
      app,
      verb: 'push',
      from: { commit },
      clearCache,
      plan: (current, build, turn) => planPush({ ...push, app: current }, build, turn),
    },
    context,
  )
}

async function planPush(
  { app, branch, commit, archive }: Push,
  { folder }: CurrentBuild,
  { platform, report, signal }: DeployContext,
): Promise<Planned> {
  report({ type: 'stage:began', stage: 'receive' })
  const source = await receive(archive(), join(folder, 'source.tar'), signal)
  report({ type: 'source:received', commit, files: source.entries.length })
  const plan = planBuild(source, await planOptionsOf(app, platform))
  report({ type: 'build:planned', builder: plan.builder, why: plan.why })
  const cron = readCron(plan.cron)
  const stranded = strandedSettings(app, { processes: plan.processes, cron })
  for (const text of [...plan.warnings, ...stranded]) report({ type: 'warning', text })
  const description = `Deploy ${commit.slice(0, 8)}`
  return { app, commit, branch, description, source, plan, cron }
}

/** A pusher that stalls is waited for until it goes away; an interrupt ends the wait at once. */
async function receive(archive: Readable, file: string, signal: AbortSignal): Promise<Source> {
  try {
    return await spoolSource(addAbortSignal(signal, archive), file)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
