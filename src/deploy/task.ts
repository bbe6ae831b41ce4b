import { PaasError } from '../errors/paas-error.ts'
import { own } from '../lib/own.ts'
import { ProcessType } from '../model/names.ts'
import { specOf } from './container-spec.ts'
import { type DeployContext } from './context.ts'
import { releaseTask } from './formation.ts'
import { type Released } from './stages.ts'

const predeploy = ProcessType.parse('predeploy')
const postdeploy = ProcessType.parse('postdeploy')

/** Types of one-offs that only ever run as part of a deploy, so in the app's queue. */
export const deployTasks: readonly ProcessType[] = [predeploy, releaseTask, postdeploy]

/**
 * What must succeed before anything of a release starts: app.json's `predeploy`, once per new image, and the
 * Procfile's `release`, at every release. Throws RELEASE_FAILED.
 */
export async function runReleaseTasks(
  released: Released,
  context: DeployContext,
  { newImage }: { newImage: boolean },
): Promise<void> {
  const { processes, scripts } = released.release.image
  if (newImage && scripts?.predeploy !== undefined) {
    await runTask(released, predeploy, scripts.predeploy, context)
  }
  const command = own(processes, releaseTask)?.command
  if (command !== undefined) await runTask(released, releaseTask, command, context)
}

/** app.json's `postdeploy`, after an app's first release. It is live by then, so a failure is only told. */
export async function runPostdeploy(released: Released, context: DeployContext): Promise<void> {
  const command = released.release.image.scripts?.postdeploy
  if (command === undefined) return
  await runTask(released, postdeploy, command, context).catch((error: unknown) => {
    if (!(error instanceof PaasError)) throw error
    context.report({ type: 'warning', text: `${error.message} The release is live all the same.` })
  })
}

/** Runs a command once in the release's image and waits for it. */
async function runTask(
  released: Released,
  type: ProcessType,
  command: string,
  { platform, report, signal }: DeployContext,
): Promise<void> {
  const { scheduler } = platform
  report({ type: 'release-task:started', task: type, command })
  const spec = await specOf(released, { type, index: 1 }, platform, { command })
  const container = await scheduler.start({ ...spec, oneOff: true })
  try {
    for await (const line of scheduler.logs(container.id, { follow: true, signal })) {
      report({ type: 'release-task:line', text: line.text })
    }
    signal.throwIfAborted()
    const { code, oomKilled } = await scheduler.wait(container.id)
    if (code !== 0) {
      throw new PaasError(
        'RELEASE_FAILED',
        `The ${type} task failed with exit code ${code}${oomKilled ? ' (out of memory)' : ''}: ${command}`,
        { hint: 'Its output is above; the release before this one still serves.' },
      )
    }
  } finally {
    await scheduler.remove(container.id, 1)
  }
}
