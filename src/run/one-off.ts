import { randomInt } from 'node:crypto'
import { type Platform } from '../apps/platform.ts'
import { specOf } from '../deploy/container-spec.ts'
import { PaasError } from '../errors/paas-error.ts'
import { own } from '../lib/own.ts'
import { shellQuote } from '../lib/shell-words.ts'
import { type App } from '../model/app.ts'
import { ProcessType } from '../model/names.ts'
import { type Image, type Release } from '../model/release.ts'
import { type ContainerSpec, type Slot } from '../schedulers/scheduler.ts'

const run = ProcessType.parse('run')

/** A place for one more `run`: a number that says nothing, as there is no formation to count in. */
export const runSlot = (): Slot => ({ type: run, index: randomInt(1000, 10_000) })

/** A container that runs a command once in an app's live release: its image, config, services and storage. */
export async function oneOffSpec(
  platform: Platform,
  { app, release }: { app: App; release: Release },
  { slot, command, env = {} }: { slot: Slot; command: string; env?: Record<string, string> },
): Promise<ContainerSpec> {
  const spec = await specOf({ app, release }, slot, platform, { command })
  return { ...spec, env: { ...spec.env, ...env }, oneOff: true }
}

/** The release that one-offs run in. Throws NOT_FOUND before the first one. */
export async function releaseToRun({ store }: Platform, app: App): Promise<Release> {
  const { currentRelease } = app
  const release = currentRelease === undefined ? undefined : await store.releases.get(app.id, currentRelease)
  if (release !== undefined) return release
  throw new PaasError('NOT_FOUND', `${app.name} has no release yet, so there is nothing to run.`, {
    hint: 'git push paas main',
  })
}

/**
 * The shell line of a command's words. One word is a line of its own, or the name of a process type, which stands
 * for its command; several are taken as they are, and no shell acts on what is in them.
 */
export function commandLine(words: string[], image: Pick<Image, 'processes'>): string {
  const [first = '', ...more] = words
  if (more.length > 0) return words.map(shellQuote).join(' ')
  return own(image.processes, first)?.command ?? first
}
