import { expect, test } from 'vitest'
import { commands } from '../../src/commands/registry.ts'
import { topicOf } from '../../src/commands/topics.ts'
import { paas } from './instance.ts'
import { type Finished } from './process.ts'

/**
 * A test for each command of some topics, run in this order: what it does, and what a second run does. One that is
 * missing fails, so that no command comes without. What bad input gets is in test/e2e/bad-input.test.ts.
 */
export function everyCommand(topics: string[], tests: Record<string, () => Promise<void>>): void {
  test(`every command of ${topics.join(', ')} has its test`, () => {
    const all = commands.filter((command) => topics.includes(topicOf(command))).map(({ name }) => name)
    expect(Object.keys(tests)).toEqual(expect.arrayContaining(all))
  })
  for (const [name, body] of Object.entries(tests)) test(name, body)
}

/** Runs commands of an app. */
export function commandsOf(app: string) {
  const run = (command: string, ...words: string[]): Promise<Finished> => paas([command, '-a', app, ...words])
  const ends = async (code: number, command: string, words: string[]): Promise<Finished> => {
    const end = await run(command, ...words)
    expect(end.code, `${command} ${words.join(' ')}: ${end.output}`).toBe(code)
    return end
  }
  return {
    run,
    /** It must succeed; resolves to its stdout. */
    does: async (command: string, ...words: string[]): Promise<string> =>
      (await ends(0, command, words)).stdout,
    json: async <T>(command: string, ...words: string[]): Promise<T> =>
      JSON.parse((await ends(0, command, ['--json', ...words])).stdout) as T,
    /** It must end with this code; resolves to its stderr. */
    refuses: async (code: number, command: string, ...words: string[]): Promise<string> =>
      (await ends(code, command, words)).stderr,
  }
}
