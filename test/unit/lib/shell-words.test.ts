import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxLineLength, shellQuote, shellWords } from '../../../src/lib/shell-words.ts'

/** What a real shell makes of the line's words, pathname expansion off. */
function shell(line: string): string[] {
  const out = execFileSync('sh', ['-f', '-c', `printf '%s\\0' x ${line}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return out.toString().split('\0').slice(1, -1)
}

/** Lines dense in what matters. */
const lines = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          ' ',
          '\t',
          "'",
          '"',
          '\\',
          '$',
          '`',
          ';',
          '|',
          '&',
          '<',
          '>',
          '(',
          '#',
          '~',
        ),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          'a',
          'B',
          '1',
          '_',
          '*',
          '?',
          '[',
          '{',
          '}',
          '!',
          '=',
          '-',
          '^',
          ':',
          'ü',
          '€',
          '😀',
        ),
      },
      { weight: 1, arbitrary: fc.string({ maxLength: 3, unit: 'grapheme' }) },
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''))

function accepted(line: string): string[] | undefined {
  try {
    return shellWords(line)
  } catch {
    return undefined
  }
}

describe('shellWords', () => {
  it('means what a shell would make of it, whenever it accepts a line', () => {
    let compared = 0
    fc.assert(
      fc.property(lines, (line) => {
        const words = accepted(line)
        if (words === undefined) return
        compared++
        expect(words).toEqual(shell(line))
      }),
      { numRuns: 2000 },
    )
    expect(compared).toBeGreaterThan(300)
  }, 60_000)

  it('reads back what shellQuote wrote, and so does a shell', () => {
    const printable = fc
      .string({ unit: 'grapheme', maxLength: 30 })
      .filter((text) => accepted(`'${text.replaceAll("'", '')}'`) !== undefined)
    fc.assert(
      fc.property(fc.array(printable, { maxLength: 5 }), (words) => {
        expect(shellWords(words.map(shellQuote).join(' '))).toEqual(words)
      }),
    )
    fc.assert(
      fc.property(fc.array(printable, { maxLength: 5 }), (words) => {
        expect(shell(words.map(shellQuote).join(' '))).toEqual(words)
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    ['', []],
    ['  apps:list  ', ['apps:list']],
    [`config:set A='b c' "D=e f" G=\\ h`, ['config:set', 'A=b c', 'D=e f', 'G= h']],
    [`a''b ""`, ['ab', '']],
    ['domains:add *.example.com', ['domains:add', '*.example.com']],
    [`"\\$HOME \\\\ \\" \\x"`, ['$HOME \\ " \\x']],
    ['cost=5$', ['cost=5$']],
    ['a#b c~d', ['a#b', 'c~d']],
  ])('%j is %j', (line, words) => {
    expect(shellWords(line)).toEqual(words)
  })

  it.each([
    'apps:list; id',
    'apps:list && id',
    'a | b',
    'a & b',
    'a > b',
    'a < b',
    '(a)',
    '$(id)',
    '"$(id)"',
    '`id`',
    '"`id`"',
    '$HOME',
    '${HOME}',
    '"$HOME"',
    '$$',
    '$?',
    '~root',
    'a # b',
    "a 'b",
    'a "b',
    'a\\',
    'a\nb',
    "'a\nb'",
    'a\rb',
    'a\0b',
    'a\x1b[31m',
    'a\x7f',
    'a\u{fffd}',
    'x'.repeat(maxLineLength + 1),
  ])('refuses %j', (line) => {
    expect(() => shellWords(line)).toThrow(/^(has|is|ends)/)
  })
})
