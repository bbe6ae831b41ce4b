import { type CommanderError } from 'commander'
import { PaasError } from '../errors/paas-error.ts'

/**
 * A problem of commander's as ours. Its messages repeat the words of the command line, and any of them may be a
 * secret in the wrong place, so what could be a value is left out.
 */
export function usageError(error: CommanderError, command: string | undefined): PaasError {
  const text = error.message.replace(/^error: /, '')
  const similar = /\(Did you mean (.*)\?\)$/.exec(text)?.[1]
  const hint =
    similar === undefined
      ? `See paas help${command === undefined || isUnknown(error) ? '' : ` ${command}`}.`
      : `Did you mean ${similar}?`
  return new PaasError(
    isUnknown(error) ? 'UNKNOWN_COMMAND' : 'INVALID_INPUT',
    `${capital(withoutValues(error.code, text))}.`,
    { hint },
  )
}

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
