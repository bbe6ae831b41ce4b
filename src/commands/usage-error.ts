import { type CommanderError } from 'commander'
import { PaasError } from '../errors/paas-error.ts'
import { type Command } from './define.ts'
import { insteadOf, insteadOfFlag } from './other-names.ts'
import { topicOf } from './topics.ts'

/**
 * A problem of commander's as ours. Its messages repeat the words of the command line, and any of them may be a
 * secret in the wrong place, so what could be a value is left out.
 */
export function usageError(
  error: CommanderError,
  argv: readonly string[],
  commands: readonly Command[],
): PaasError {
  const text = error.message.replace(/^error: /, '')
  const message = withoutValues(error.code, text)
  const unknown = isUnknown(error)
  const hint = unknown ? elsewhere(message, text, commands) : correction(error, message, argv, commands)
  return new PaasError(unknown ? 'UNKNOWN_COMMAND' : 'INVALID_INPUT', `${capital(message)}.`, { hint })
}

/** What there is instead of a command that there is not. */
function elsewhere(message: string, text: string, commands: readonly Command[]): string {
  const name = message.replace('unknown command ', '')
  const topic = name.split(':')[0]!
  const similar = similarIn(text)
  if (insteadOf(name) !== undefined) return insteadOf(name)!
  if (similar !== undefined) return `Did you mean ${similar}?`
  return commands.some((command) => topicOf(command) === topic) ? `See paas help ${topic}.` : 'See paas help.'
}

/** What is to be said otherwise of a command that there is. */
function correction(
  { code, message: text }: CommanderError,
  message: string,
  [word = '', ...rest]: readonly string[],
  commands: readonly Command[],
): string {
  const command = commands.find(({ name, aliases }) => name === word || aliases?.includes(word) === true)
  const flag = message.replace('unknown option ', '')
  const instead = code === 'commander.unknownOption' ? insteadOfFlag(command?.name ?? word, flag) : undefined
  if (instead !== undefined) return instead
  const similar = similarIn(text)
  if (similar !== undefined) return `Did you mean ${similar}?`
  if (word.startsWith('-')) return `The command comes first: paas COMMAND ${word}`
  const named = rest.some((one) => /^(?:-a|--app(?:$|=))/.test(one))
  return code === 'commander.excessArguments' && !named && command !== undefined && command.app !== 'none'
    ? `The app is named with -a: paas ${command.name} -a APP`
    : `See paas help${command === undefined ? '' : ` ${word}`}.`
}

const similarIn = (text: string): string | undefined => /\(Did you mean (.*)\?\)$/.exec(text)?.[1]

const isUnknown = (error: CommanderError): boolean => error.code === 'commander.unknownCommand'

function withoutValues(code: string, text: string): string {
  switch (code) {
    case 'commander.unknownOption':
      return `unknown option ${/^unknown option '(--[A-Za-z0-9-]*|-[A-Za-z0-9]?)/.exec(text)?.[1] ?? ''}`.trim()
    case 'commander.unknownCommand':
      return `unknown command ${/^unknown command '([A-Za-z0-9:_-]{0,64})/.exec(text)?.[1] ?? ''}`.trim()
    case 'commander.excessArguments':
      return /^.*?but got \d+/s.exec(text)?.[0] ?? 'too many arguments'
    default:
      return text.split('\n')[0]!
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
