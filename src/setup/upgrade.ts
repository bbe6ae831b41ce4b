import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { run, runOrThrow } from '../lib/run.ts'
import { type Instance } from '../model/instance.ts'
import { reloadRouter } from '../router/control.ts'
import { exists } from './machine.ts'
import { type Report } from './step.ts'
import { streamed } from './streamed.ts'
import { forgetPrevious, type Installed, installed, noteSource, swapVersions } from './versions.ts'

/** The instance that is upgraded. */
export type Upgrade = { root: string; instance: Instance; paths: InstancePaths; report: Report }

/** Milliseconds that the parts have to be well after a change of the program. */
const wellWithin = 60_000
/** What must be well; the rest has nothing to do with the program's version. */
const parts = ['controller', 'redis', 'docker', 'router', 'sshd']

/** What is noted for the way back: the state as it was before the last upgrade. */
type Note = { stateBackup: string }

/**
 * Brings an instance to the version in a clone or a git repository: built beside the present one, switched to, and
 * looked at. Where it is not well, what was before comes back by itself, and UPGRADE_FAILED is thrown.
 */
export async function upgrade(from: string | undefined, options: Upgrade): Promise<void> {
  const { paths, report, root } = options
  const before = await present(paths)
  const earlier = await installed(paths, 'previous')
  await withSource(from ?? before.source, options, async (folder, source) => {
    const stateBackup = await backUpState(options)
    report(`       state saved: ${stateBackup}`)
    const code = await streamed(join(folder, 'bin/setup'), ['--root', root], report)
    const after = await present(paths)
    if (after.digest === before.digest && code === 0) {
      report(`-----> ${nameOf(before)} is what runs already.`)
      return
    }
    const problem = code === 0 ? await whatIsNotWell(options) : `set-up ended with code ${code}`
    if (problem === undefined) {
      await noteSource(after, source)
      await writeFile(notePath(paths), JSON.stringify({ stateBackup } satisfies Note), { mode: 0o600 })
      report(`=====> ${nameOf(after)} runs; back to ${nameOf(before)}: paas upgrade --back`)
      return
    }
    if (after.digest === before.digest)
      throw failed(`The new version was not installed: ${problem}. ${nameOf(before)} goes on.`)
    report(` !     ${nameOf(after)} is not well: ${problem}`)
    report(`-----> Going back to ${nameOf(before)}`)
    await switchBack(before, stateBackup, options)
    await forgetPrevious(paths, earlier)
    throw failed(`${nameOf(after)} was not well: ${problem}. ${nameOf(before)} runs again.`)
  })
}

/** Goes back to the version before the last upgrade; with the state of then, where this one has changed its layout. */
export async function goBack(options: Upgrade & { giveUpState: boolean }): Promise<void> {
  const { paths, report } = options
  const [now, before] = [await present(paths), await installed(paths, 'previous')]
  if (before === undefined)
    throw new PaasError('NOT_FOUND', 'There is no version to go back to.', {
      hint: 'Install one from its clone: paas upgrade --from DIR',
    })
  const { stateBackup } = await noted(paths)
  if (before.schema < now.schema && !options.giveUpState) {
    throw new PaasError(
      'CONFIRMATION_REQUIRED',
      `${nameOf(before)} cannot read the state as ${nameOf(now)} has it: what was changed since the upgrade would be lost.`,
      { hint: `Say that it may be: paas upgrade --back --give-up-state (it comes from ${stateBackup})` },
    )
  }
  await backUpState(options)
  report(`-----> Going back from ${nameOf(now)} to ${nameOf(before)}`)
  await switchBack(before, stateBackup, options)
  report(`=====> ${nameOf(before)} runs; forward again: paas upgrade --back`)
}

/** What an upgrade would do. */
export async function planUpgrade(from: string | undefined, options: Upgrade): Promise<void> {
  const { paths, report, root } = options
  const before = await present(paths)
  await withSource(from ?? before.source, options, async (folder, source) => {
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      version: string
    }
    report(`-----> From ${nameOf(before)} to ${version} of ${source}`)
    report('       would save the state')
    const code = await streamed(join(folder, 'bin/setup'), ['--root', root, '--dry-run'], report)
    if (code !== 0) throw failed('The new version cannot be installed here; the lines above say why.')
    report('       would look at every part, and go back where one is not well')
  })
}

async function switchBack(
  before: Installed,
  stateBackup: string,
  { paths, root, instance, report }: Upgrade,
): Promise<void> {
  await swapVersions(paths)
  const args = ['--root', root, '--source', before.source || '.', '--app-digest', before.digest]
  const setup = join(before.folder, 'dist/main/setup.js')
  const code = await streamed(process.execPath, [setup, ...args, '--no-base-image'], report)
  if (code !== 0) throw failed(`${nameOf(before)} could not be started again; the lines above say why.`)
  const { stdout, stderr } = await run(paths.launcher, ['apps:list', '--json'], { timeoutMs: 30_000 })
  if (`${stdout}${stderr}`.includes('STATE_NEWER')) {
    report(`       restoring the state of before: ${stateBackup}`)
    await runOrThrow(paths.launcher, ['server:restore', stateBackup, '--confirm', instance.domain])
    // The controller answers for a moment before it ends, to begin with what was restored.
    await sleep(2000)
  }
  const problem = await whatIsNotWell({ paths })
  if (problem !== undefined) throw failed(`${nameOf(before)} runs again, and is not well: ${problem}`)
}

/** The first part that is not well, and what of it; undefined where all are. */
async function whatIsNotWell({ paths }: Pick<Upgrade, 'paths'>): Promise<string | undefined> {
  // Resolves when the workers that are being replaced are; fails where new ones do not start.
  const reloaded = await reloadRouter(paths.routerSocket).then(() => undefined, messageOf)
  if (reloaded !== undefined) return `router: ${reloaded}`
  const deadline = performance.now() + wellWithin
  for (;;) {
    const problem = await findProblem(paths)
    if (problem === undefined || performance.now() > deadline) return problem
    await sleep(500)
  }
}

async function findProblem(paths: InstancePaths): Promise<string | undefined> {
  const { stdout, stderr } = await run(paths.launcher, ['doctor', '--json'], { timeoutMs: 30_000 })
  try {
    const found = JSON.parse(stdout) as { parts: { name: string; healthy: boolean; finding: string }[] }
    const ill = found.parts.find(({ name, healthy }) => parts.includes(name) && !healthy)
    if (ill !== undefined) return `${ill.name}: ${ill.finding}`
  } catch (error) {
    return stderr.trim().split('\n')[0] || messageOf(error)
  }
  // Parts may be well while the state cannot be read.
  const apps = await run(paths.launcher, ['apps:list', '--json'], { timeoutMs: 30_000 })
  return apps.code === 0 ? undefined : apps.stderr.trim().split('\n')[0]
}

async function backUpState({ paths }: Upgrade): Promise<string> {
  const args = ['server:backups:create', '--reason', 'upgrade', '--json']
  return (JSON.parse(await runOrThrow(paths.launcher, args)) as { file: string }).file
}

async function present(paths: InstancePaths): Promise<Installed> {
  const found = await installed(paths, 'app')
  if (found !== undefined) return found
  throw new PaasError('NOT_FOUND', `${paths.opt}/app was installed by a version that knows no upgrade.`, {
    hint: 'Run bin/setup in a clone of the new version instead.',
  })
}

/** Runs a task with the folder of a clone: the one that is named, or one of the repository for as long as it takes. */
async function withSource(
  from: string,
  { paths, report }: Upgrade,
  task: (folder: string, source: string) => Promise<void>,
): Promise<void> {
  if (from === '') {
    throw new PaasError('INVALID_INPUT', 'It is not known where this version came from.', {
      hint: 'Name a clone or a repository: paas upgrade --from DIR',
    })
  }
  if (!/^[a-z+]+:\/\/|^[\w.-]+@[\w.-]+:/.test(from)) {
    const folder = resolve(from)
    await requireClone(folder)
    return task(folder, folder)
  }
  const folder = await mkdtemp(join(paths.opt, 'source-'))
  try {
    report(`-----> Fetching ${from}`)
    await runOrThrow('git', ['clone', '--quiet', '--depth', '1', '--', from, folder])
    await requireClone(folder)
    await task(folder, from)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function requireClone(folder: string): Promise<void> {
  if (await exists(join(folder, 'bin/setup'))) return
  throw new PaasError('INVALID_INPUT', `There is no clone of paas in ${folder}: it has no bin/setup.`, {
    hint: 'Name one, or a repository: paas upgrade --from DIR',
  })
}

/** `0.2.0 (1a2b3c4)`, as two versions may have one number. */
const nameOf = ({ version, digest }: Installed): string => `${version} (${digest.slice(0, 7)})`

const notePath = ({ opt }: InstancePaths): string => join(opt, 'upgraded.json')

async function noted(paths: InstancePaths): Promise<Note> {
  const text = await readFile(notePath(paths), 'utf8').catch(() => '{"stateBackup":""}')
  return JSON.parse(text) as Note
}

const failed = (message: string): PaasError =>
  new PaasError('UPGRADE_FAILED', message, { hint: 'How it is now: paas doctor' })
