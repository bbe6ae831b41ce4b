/**
 * One thing that set-up sees to. Looking and doing are apart, so that `--dry-run` and a second run only look.
 */
export type Step = {
  /** What will be true afterwards: "users paas, paas-router". */
  title: string
  /** What there is to do, a line each; empty when everything is in place. Changes nothing. */
  pending: () => Promise<string[]>
  /** Does it. May run again after a failure half-way. */
  perform: (report: Report) => Promise<void>
}

/** Takes a line of progress. */
export type Report = (line: string) => void

/** Performs the steps that have something pending, in order. Returns how many did. */
export async function performSteps(steps: Step[], report: Report): Promise<number> {
  let changed = 0
  for (const step of steps) {
    const pending = await step.pending()
    if (pending.length === 0) {
      report(`-----> ${step.title}: in place`)
      continue
    }
    changed += 1
    report(`-----> ${step.title}`)
    for (const line of pending) report(`       ${line}`)
    await step.perform((line) => report(`       ${line}`))
  }
  return changed
}

/** Says what `performSteps` would do. */
export async function describeSteps(steps: Step[], report: Report): Promise<void> {
  for (const step of steps) {
    const pending = await step.pending()
    report(`-----> ${step.title}${pending.length === 0 ? ': in place' : ''}`)
    for (const line of pending) report(`       would ${line}`)
  }
}
