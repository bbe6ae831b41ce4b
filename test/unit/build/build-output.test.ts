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

test('what a step says on its two streams at once stays in lines of one stream each', () => {
  const lines: string[] = []
  const output = buildOutput((line) => lines.push(line))
  const say = (stream: number, text: string) => ({ digest, stream, text: Buffer.from(text) })
  const step = { digest, name: 'RUN make', cached: false, started: true, took: 10, error: undefined }
  output.show({ steps: [{ ...step, completed: false }], output: [], warnings: [] })
  output.show({
    steps: [],
    output: [say(1, 'one\nhal'), say(2, 'two\nwarn'), say(1, 'f\n'), say(2, 'ing')],
    warnings: [],
  })
  output.show({ steps: [{ ...step, completed: true }], output: [], warnings: [] })
  expect(lines).toEqual(['RUN make', 'one', 'two', 'half', 'warning'])
})
