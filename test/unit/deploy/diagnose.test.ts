import { describe, expect, test } from 'vitest'
import { diagnose, type Facts } from '../../../src/deploy/diagnose.ts'

const facts = (some: Partial<Facts>): Facts => ({
  exit: undefined,
  port: 5000,
  listening: [],
  lastLines: [],
  ...some,
})
const exit = (code: number, oomKilled = false): Partial<Facts> => ({ exit: { code, oomKilled } })
const says = (line: string): Partial<Facts> => ({ ...exit(1), lastLines: ['starting', line] })

describe('likely causes', () => {
  test.each<[string, Partial<Facts>, RegExp]>([
    ['killed for its memory', exit(137, true), /more memory than its limit/],
    ['listens on loopback', { listening: [{ port: 5000, loopback: true }] }, /127\.0\.0\.1:5000.*0\.0\.0\.0/],
    ['listens on another port', { listening: [{ port: 3000, loopback: false }] }, /port 3000, not 5000/],
    ['listens on no port', {}, /listens on no port/],
    ['command not found', exit(127), /127: the command was not found/],
    ['command not executable', exit(126), /126: .* not executable/],
    ['Python misses a variable', says("KeyError: 'DATABASE_URL'"), /DATABASE_URL seems to be missing/],
    ['Node misses a variable', says('Error: DATABASE_URL is not set'), /paas config:set DATABASE_URL=/],
    ['a variable after the word', says('missing environment variable SECRET_KEY_BASE'), /SECRET_KEY_BASE/],
    ['Node misses a module', says("Error: Cannot find module 'express'"), /express is not installed/],
    [
      'Node misses a package',
      says("Cannot find package '@scope/x' imported from /app/a.js"),
      /@scope\/x is not/,
    ],
    ['Python misses a module', says("ModuleNotFoundError: No module named 'flask.ext'"), /flask\.ext is not/],
  ])('%s', (_what, some, wanted) => {
    expect(diagnose(facts(some)).join('\n')).toMatch(wanted)
  })

  test.each<[string, Partial<Facts>]>([
    ['it listens as it should', { listening: [{ port: 5000, loopback: false }] }],
    [
      'it listens on loopback, and on all addresses too',
      {
        listening: [
          { port: 5000, loopback: true },
          { port: 5000, loopback: false },
        ],
      },
    ],
    ['it ended for a reason of its own', exit(3)],
    ['a file of its own is not found', says("Error: Cannot find module './lib/a.js'")],
    ['a sentence that names no variable', says('error: the name is required')],
  ])('none where %s', (_what, some) => {
    expect(diagnose(facts(some))).toEqual([])
  })

  test('what it printed is read in no more than a moment, whatever it is', () => {
    const began = performance.now()
    diagnose(
      facts({
        ...exit(1),
        lastLines: Array.from({ length: 20 }, () => 'required '.repeat(2000) + 'A_'.repeat(4000)),
      }),
    )
    expect(performance.now() - began).toBeLessThan(2000)
  })
})
