import { expect, test } from 'vitest'
import { buildOutput } from '../../../src/build/build-output.ts'

const digest = `sha256:${'0a'.repeat(32)}`

/** The line of a step that starts. */
function lineOf(name: string): string[] {
  const lines: string[] = []
  const step = { digest, name, cached: false, started: true, completed: false, took: undefined }
  buildOutput((line) => lines.push(line)).show({
    steps: [{ ...step, error: undefined }],
    output: [],
    warnings: [],
  })
  return lines
}

test.each([
  // Engines with containerd's image store name local images with their digest, others do not.
  [`[1/3] FROM docker.io/paas/node:26@${digest}`, '[1/3] FROM docker.io/paas/node:26'],
  ['[1/3] FROM docker.io/paas/node:26', '[1/3] FROM docker.io/paas/node:26'],
  [`[1/3] FROM docker.io/library/debian@${digest}`, `[1/3] FROM docker.io/library/debian@${digest}`],
  ['[2/3] RUN --mount=type=secret,id=env \n npm ci', '[2/3] RUN npm ci'],
])('%j is shown as %j', (name, shown) => {
  expect(lineOf(name)).toEqual([shown])
})
