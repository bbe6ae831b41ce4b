import { StringDecoder } from 'node:string_decoder'
import { stripVTControlCharacters } from 'node:util'
import { type BuildProgress, type BuildStep } from '../docker/buildkit/progress.ts'

/** The step that failed, with the end of what it printed. */
export type FailedStep = { name: string; error: string; lines: string[] }

/** What a step has said on one of its streams of a line that is not whole. */
type Unfinished = { decoder: StringDecoder; rest: string }

type Shown = {
  name: string
  cached: boolean
  finished: boolean
  streams: Map<number, Unfinished>
  tail: string[]
}

/** Lines of a step that are kept for when it fails: npm says the reason first, and its whole usage after it. */
const tailLines = 200
const lineLength = 2000

/**
 * Turns BuildKit's progress into lines for people: a step when it starts, its output, how long it took. State
 * is per build, because the engine sends steps many times and output in pieces.
 */
export function buildOutput(onLine: (line: string) => void) {
  const steps = new Map<string, Shown>()
  let failed: FailedStep | undefined
  let lastShown: Shown | undefined

  function stepOf(digest: string): Shown {
    const known = steps.get(digest)
    if (known !== undefined) return known
    const step: Shown = { name: '', cached: false, finished: false, streams: new Map(), tail: [] }
    steps.set(digest, step)
    return step
  }

  function showStep(raw: BuildStep): void {
    const update = { ...raw, name: readable(raw.name) }
    const step = stepOf(update.digest)
    if (isInternal(update.name) && update.error === undefined) return
    if (step.name === '' && (update.started || update.cached)) {
      step.name = update.name
      onLine(update.cached ? `${update.name}  CACHED` : update.name)
      step.cached = update.cached
      lastShown = step
    }
    if (update.error !== undefined && !isCancelled(update.error))
      failed ??= { name: update.name, error: reasonOf(update.error), lines: step.tail }
    if (!update.completed || step.finished) return
    step.finished = true
    for (const { rest } of step.streams.values()) if (rest !== '') showLine(step, rest)
    if (!step.cached && update.error === undefined && (update.took ?? 0) >= 1000)
      onLine(
        `${lastShown === step ? '' : `${update.name}: `}done in ${((update.took ?? 0) / 1000).toFixed(1)} s`,
      )
  }

  function showOutput({ digest, stream, text }: BuildProgress['output'][number]): void {
    const step = stepOf(digest)
    const part = step.streams.get(stream) ?? { decoder: new StringDecoder('utf8'), rest: '' }
    step.streams.set(stream, part)
    const lines = (part.rest + part.decoder.write(text)).split('\n')
    part.rest = (lines.pop() ?? '').slice(-lineLength)
    for (const line of lines) showLine(step, line)
  }

  function showLine(step: Shown, raw: string): void {
    // What a carriage return overwrote (progress bars) was never meant to stay.
    const overwritten = raw.replace(/\r+$/, '')
    const line = stripVTControlCharacters(overwritten.slice(overwritten.lastIndexOf('\r') + 1)).slice(
      0,
      lineLength,
    )
    step.tail.push(line)
    if (step.tail.length > tailLines) step.tail.shift()
    if (lastShown !== step && step.name !== '') onLine(`${step.name} (continued)`)
    lastShown = step
    onLine(line)
  }

  return {
    show(progress: BuildProgress): void {
      for (const step of progress.steps) showStep(step)
      for (const output of progress.output) showOutput(output)
      for (const warning of progress.warnings) onLine(`warning: ${warning}`)
    },
    failed: (): FailedStep | undefined => failed,
  }
}

/** Mounts and line breaks of a RUN, and the digest of an image that has a tag, say nothing to the person who waits. */
const readable = (name: string): string =>
  name
    .replace(/\s+--mount=\S+/g, '')
    .replace(/(:[\w.-]+)@sha256:[0-9a-f]{64}/g, '$1')
    .replace(/\s+/g, ' ')

/** A step that ended is told by its code: its whole command line, which BuildKit repeats, stands above. */
export const reasonOf = (error: string): string => /\bexit code: \d+$/.exec(error)?.[0] ?? error

/** What BuildKit does for itself says nothing about the app. */
const isInternal = (name: string): boolean =>
  /^\[internal\]|^copy \/context|^exporting |^writing image|^naming to|^resolve image config|^docker-image:/.test(
    name,
  )

/** Steps that ran beside the failing one end as cancelled. */
const isCancelled = (error: string): boolean => /context canceled|rpc error: code = Canceled/i.test(error)
