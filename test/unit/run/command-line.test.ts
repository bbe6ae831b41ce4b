import { expect, test } from 'vitest'
import { ProcessType } from '../../../src/model/names.ts'
import { commandLine } from '../../../src/run/one-off.ts'

const image = { processes: { [ProcessType.parse('worker')]: { command: 'rake work' } } }

test('one word is a line for a shell, or a process type', () => {
  expect(commandLine(['echo $HOME | wc'], image)).toBe('echo $HOME | wc')
  expect(commandLine(['worker'], image)).toBe('rake work')
  expect(commandLine(['constructor'], image)).toBe('constructor')
})

test('several words reach the program as they are', () => {
  expect(commandLine(['echo', '$HOME', "it's", 'a b'], image)).toBe("echo '$HOME' 'it'\\''s' 'a b'")
  expect(commandLine(['worker', '--once'], image)).toBe('worker --once')
})
