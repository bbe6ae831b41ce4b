import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Image } from '../model/release.ts'
import { releaseTask, slotsOf } from './formation.ts'

/** Throws NOT_FOUND for a name that is no type and no place of the formation. */
export function refuseUnknown(names: string[], app: App, image: Pick<Image, 'processes'>): void {
  const slots = slotsOf({ formation: app.formation }, image)
  const known = new Set(slots.flatMap(({ type, index }) => [type as string, `${type}.${index}`]))
  const unknown = names.find((name) => !known.has(name))
  if (unknown === undefined) return
  if (unknown !== releaseTask && Object.hasOwn(image.processes, unknown)) {
    throw new PaasError('NOT_FOUND', `No ${unknown} of ${app.name} is to run: it is scaled to 0.`, {
      hint: `paas scale -a ${app.name} ${unknown}=1`,
    })
  }
  throw new PaasError('NOT_FOUND', `${app.name} has no process ${JSON.stringify(unknown.slice(0, 64))}.`, {
    hint: `What there is: paas scale -a ${app.name}`,
  })
}

/** Throws NOT_FOUND for a name that is no process type of the image, and none of the others that are known. */
export function refuseUnknownTypes(
  names: string[],
  { processes }: Pick<Image, 'processes'>,
  others: readonly string[] = [],
): void {
  const known = [...Object.keys(processes).filter((type) => type !== releaseTask), ...others]
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new PaasError('NOT_FOUND', `The current release has no process type ${unknown}.`, {
    hint: `It has: ${known.join(', ')}. Add the type to the Procfile and push.`,
  })
}

/** What is done to processes needs a release first. */
export function nothingRuns(app: App): PaasError {
  return new PaasError('NOT_FOUND', `${app.name} has no release yet.`, { hint: 'git push paas main' })
}
