import { type Case } from './corpus.ts'
import { type Outcome } from './lane.ts'

/** Statuses of the final responses in a client's text, in order. */
function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 ([1-5][0-9]{2})[^\r]*\r\n/g)]
    .map((match) => Number(match[1]))
    .filter((s) => s >= 200)
}

/** What is wrong with an outcome; undefined when it is as expected. */
export function judge(one: Case, outcome: Outcome): string | undefined {
  const { expect } = one
  const { messages, errors } = outcome.recording
  if (errors.length > 0) return `the backend saw ${errors.join('; ')}`
  if (!outcome.closed) return `the connection stayed open after ${JSON.stringify(outcome.text.slice(0, 100))}`
  const statuses = statusesOf(outcome.text)
  const shown = `${JSON.stringify(statuses)}, ${messages.length} at the backend`
  switch (expect.kind) {
    case 'refuse': {
      if (messages.length !== expect.before)
        return `expected ${expect.before} requests at the backend: ${shown}`
      if (expect.statuses.length === 0)
        return statuses.length === 0 ? undefined : `expected no answer: ${shown}`
      return expect.statuses.includes(statuses[0] ?? 0)
        ? undefined
        : `expected ${expect.statuses.join(' or ')}: ${shown}`
    }
    case 'forward':
      if (!expect.statuses.includes(statuses[0] ?? 0))
        return `expected ${expect.statuses.join(' or ')}: ${shown}`
      if (messages.length === 0) return `expected a request at the backend: ${shown}`
      return expect.check === undefined || expect.check(messages)
        ? undefined
        : `the check failed: ${JSON.stringify(messages)}`
    case 'either':
      if (messages.length === 0)
        return (statuses[0] ?? 400) >= 400 ? undefined : `answered without the backend: ${shown}`
      if (messages.length > expect.count) return `expected ${expect.count} requests: ${shown}`
      return expect.check === undefined || expect.check(messages)
        ? undefined
        : `the check failed: ${JSON.stringify(messages)}`
  }
}
