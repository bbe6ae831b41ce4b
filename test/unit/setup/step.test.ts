import { expect, test } from 'vitest'
import { describeSteps, performSteps, type Step } from '../../../src/setup/step.ts'

function steps() {
  const done = new Set(['folders'])
  const step = (title: string): Step => ({
    title,
    pending: async () => (done.has(title) ? [] : [`make ${title}`]),
    perform: async (report) => {
      done.add(title)
      report('made')
    },
  })
  return { done, all: [step('users'), step('folders')] }
}

test('performs what is pending and says what is in place', async () => {
  const lines: string[] = []
  const { all } = steps()
  expect(await performSteps(all, (line) => lines.push(line))).toBe(1)
  expect(lines).toEqual(['-----> users', '       make users', '       made', '-----> folders: in place'])
  expect(await performSteps(all, () => undefined)).toBe(0)
})

test('describing changes nothing', async () => {
  const lines: string[] = []
  const { all, done } = steps()
  await describeSteps(all, (line) => lines.push(line))
  expect(lines).toEqual(['-----> users', '       would make users', '-----> folders: in place'])
  expect([...done]).toEqual(['folders'])
})
