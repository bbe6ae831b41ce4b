import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { authorise } from '../../../src/api/authorise.ts'
import { runCommandLine } from '../../../src/commands/program.ts'
import { commands } from '../../../src/commands/registry.ts'
import { topicOf, topics } from '../../../src/commands/topics.ts'
import { shellWords } from '../../../src/lib/shell-words.ts'
import { accessLevels } from '../../../src/model/key.ts'
import { caller, recorded } from './context.ts'

const folder = join(import.meta.dirname, '../../../src/commands')
/** Commands whose output is a stream of lines or bytes, which no schema describes. */
const streaming = [
  ...['logs', 'router:logs', 'builds:log', 'cron:logs', 'services:logs'],
  ...['services:export', 'backups:download', 'completion'],
]

describe.each(commands.map((command) => [command.name, command] as const))('%s', (name, command) => {
  test('is in the file of its name', () => {
    expect(name).toMatch(/^[a-z-]+(?::[a-z-]+)*$/)
    expect(existsSync(join(folder, `${name.replaceAll(':', '/')}.ts`))).toBe(true)
  })

  test('has a summary in lower case, without a full stop', () => {
    expect(command.summary).toMatch(/^[a-z][^\n]*[^.\s]$/)
    expect(command.description ?? 'One.').toMatch(/^[A-Z][^\n]*[.)]$/s)
  })

  test('belongs to a topic and declares who may use it', () => {
    expect(Object.keys(topics)).toContain(topicOf(command))
    expect(accessLevels).toContain(command.access)
  })

  test('describes each argument and flag', () => {
    for (const [field, schema] of Object.entries({ ...command.args, ...command.flags })) {
      expect(schema.description, field).toMatch(/\S/)
    }
  })

  test('has a result that JSON Schema can describe, or streams', () => {
    expect(command.result === undefined).toBe(streaming.includes(name))
    if (command.result !== undefined) expect(z.toJSONSchema(command.result)).toHaveProperty('$schema')
  })

  test.each(command.examples)('example: %s', async (line) => {
    const { commands: listed, taken } = recorded(commands)
    await runCommandLine(listed, argvOf(line), caller().context, authorise).catch((error: unknown) => {
      // The result that stands in for the real one has not its shape.
      if (!(error instanceof z.ZodError)) throw error
    })
    expect(taken).toHaveLength(1)
    // What goes with a command may be shown after it.
    if (line === command.examples[0]) expect(taken[0]!.command).toBe(name)
  })
})

test('no name or alias is given twice', () => {
  const names = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases])
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

test('a bare topic lists', () => {
  const lists = commands.filter(({ name }) => /^[a-z-]+:list$/.test(name))
  for (const { name, aliases } of lists) {
    const topic = name.replace(':list', '')
    const isCommand = commands.some((command) => command.name === topic)
    if (!isCommand) expect(aliases, name).toContain(topic)
  }
})

/** The command's part of a line for a shell: `ssh paas@host …` gives the same, and redirections are the shell's. */
function argvOf(line: string): string[] {
  const expanded = line.replaceAll(' ~/', ' /home/alice/').replace(/\$[A-Z]+/g, 'expanded')
  const words = shellWords(expanded.replace(/ (?:[<>|]|2>) ?\S.*$/, ''))
  const program = words[0] === 'ssh' ? words.splice(0, words.indexOf('paas@host') + 1).at(-1) : words.shift()
  expect(program).toMatch(/^paas(?:@host)?$/)
  return words
}
