/** Why a line was not taken; `reason` completes "this command line …". */
export class ShellWordsError extends Error {
  override readonly name = 'ShellWordsError'
}

/** The longest line that is looked at, in UTF-16 units: far below the kernel's limit for one variable. */
export const maxLineLength = 32_768

const operators = new Set(';&|<>()`')
/** What follows a `$` that a shell would expand. */
const expandable = /[A-Za-z0-9_({?!@*#$-]/
/** Control characters other than tab, and what a decoder leaves of bytes that are not UTF-8. */
const unprintable = /[\0-\x08\x0a-\x1f\x7f\u{fffd}]/u

/**
 * Splits a line into words by POSIX quoting (IEEE 1003.1, Shell Command Language 2.2), for a command line that
 * arrives over SSH and never meets a shell. What is accepted means what a shell without pathname expansion
 * would make of it; what a shell would run, redirect or expand is refused, not guessed at. Throws ShellWordsError.
 */
export function shellWords(line: string): string[] {
  if (line.length > maxLineLength) throw new ShellWordsError(`is longer than ${maxLineLength} characters`)
  if (unprintable.test(line)) throw new ShellWordsError('has a line break, control character or broken UTF-8')
  const words: string[] = []
  let word: string | undefined
  let at = 0
  while (at < line.length) {
    const char = line[at]!
    if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word)
      word = undefined
      at++
    } else if (char === "'") {
      const end = line.indexOf("'", at + 1)
      if (end < 0) throw new ShellWordsError("has a ' without its partner")
      word = (word ?? '') + line.slice(at + 1, end)
      at = end + 1
    } else if (char === '"') {
      const quoted = doubleQuoted(line, at + 1)
      word = (word ?? '') + quoted.text
      at = quoted.end
    } else if (char === '\\') {
      if (at + 1 === line.length) throw new ShellWordsError('ends with a backslash')
      word = (word ?? '') + line[at + 1]!
      at += 2
    } else {
      refuseSpecial(line, at, word === undefined)
      word = (word ?? '') + char
      at++
    }
  }
  if (word !== undefined) words.push(word)
  return words
}

function doubleQuoted(line: string, start: number): { text: string; end: number } {
  let text = ''
  for (let at = start; at < line.length; at++) {
    const char = line[at]!
    if (char === '"') return { text, end: at + 1 }
    if (char === '`')
      throw new ShellWordsError('has a ` outside single quotes, and there is no shell to run it')
    refuseExpansion(line, at)
    if (char === '\\' && '$`"\\'.includes(line[at + 1] ?? ' ')) {
      at++
      text += line[at]!
    } else {
      text += char
    }
  }
  throw new ShellWordsError('has a " without its partner')
}

function refuseSpecial(line: string, at: number, startsWord: boolean): void {
  const char = line[at]!
  if (operators.has(char) || (startsWord && (char === '#' || char === '~'))) {
    throw new ShellWordsError(`has a ${char} outside quotes, and there is no shell to act on it`)
  }
  refuseExpansion(line, at)
}

function refuseExpansion(line: string, at: number): void {
  if (line[at] === '$' && expandable.test(line[at + 1] ?? '')) {
    throw new ShellWordsError('has a $ outside single quotes, and nothing is expanded here')
  }
}

/** Quotes one word so that a POSIX shell, and shellWords, read exactly it back. */
export function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
