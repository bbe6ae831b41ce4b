import { ProcessType } from '../model/names.ts'
import { checkImageName } from './dockerfile.ts'
import { type BuildPlan } from './plan.ts'
import { type Source } from './source.ts'

/**
 * The plan and (empty) source of an app that is a prebuilt image: its config is respected, its EXPOSE is the
 * port. Building it makes an image of the app's own, so that another app cannot take it from under it.
 */
export function planFromImage(reference: string): { plan: BuildPlan; source: Source } {
  checkImageName(reference, 'The image')
  const plan: BuildPlan = {
    builder: 'image',
    why: reference,
    dockerfile: `FROM ${reference}\n`,
    dockerfilePath: 'Dockerfile',
    buildArgs: {},
    files: [],
    manifests: {},
    sourceFolder: '',
    ignore: '',
    processes: { [ProcessType.parse('web')]: {} },
    checks: {},
    formation: {},
    sizes: {},
    env: {},
    scripts: {},
    cron: [],
    port: undefined,
    warnings: [],
  }
  return { plan, source: { file: '/dev/null', entries: [], text: () => undefined, warnings: [] } }
}
