import { findDatastore } from '../../services/registry.ts'

/**
 * `postgres:create db1` is `services:create postgres db1`, and `postgres:info db1` is `services:info db1`: for
 * every kind of service and every command of services. Other command lines stay as they are.
 */
export function spellOut(argv: string[], isCommand: (name: string) => boolean): string[] {
  const [word = '', ...rest] = argv
  if (word.startsWith('storage:') || word === 'git:from-image') return withApp(word, rest)
  const colon = word.indexOf(':')
  const datastore = colon < 0 ? undefined : findDatastore(word.slice(0, colon))
  const command = `services${word.slice(colon)}`
  if (datastore === undefined || !isCommand(command)) return argv
  const asksHelp = rest.includes('--help') || rest.includes('-h')
  return [command, ...(command === 'services:create' && !asksHelp ? [datastore.kind] : []), ...rest]
}

/** `storage:list blog` is `storage:list -a blog`, as Dokku has it. */
function withApp(word: string, rest: string[]): string[] {
  const named = rest.some((flag) => flag === '-a' || flag === '--app' || /^(?:-a.|--app=)/.test(flag))
  const [first] = rest
  return named || first === undefined || first.startsWith('-') ? [word, ...rest] : [word, '-a', ...rest]
}
