import { Command as Commander, CommanderError, Option } from 'commander'
import { type Command, type CommandContext } from './define.ts'
import { isOptional, isRepeated, isSwitch, kebab } from './fields.ts'
import { overview, topicHelp } from './help.ts'
import { type Authorise, invoke, type RawFields } from './invoke.ts'
import { spellOut } from './services/spelling.ts'
import { usageError } from './usage-error.ts'

/**
 * Parses a command line, authorises it, runs it and prints its result. Resolves to the exit code of the result;
 * every failure is thrown, one of usage as INVALID_INPUT.
 */
export async function runCommandLine(
  commands: readonly Command[],
  words: string[],
  context: CommandContext,
  authorise: Authorise,
): Promise<number> {
  const { io } = context
  const argv = spellOut(words, (name) => commands.some((command) => command.name === name))
  const request = helpRequest(argv)
  const text = request?.topic === undefined ? undefined : topicHelp(commands, request.topic)
  if (request !== undefined && (text !== undefined || request.topic === undefined)) {
    await io.stdout(text ?? overview(commands))
    return 0
  }
  const helpTexts: string[] = []
  let exitCode = 0
  try {
    const program = buildProgram(commands, io.terminal.columns, (help) => helpTexts.push(help))
    for (const [command, sub] of program.subs) {
      sub.action(async (...input: unknown[]) => {
        const { app, fields } = rawFields(command, sub, input)
        exitCode = await invoke(command, app, fields, context, authorise)
      })
    }
    await program.parse(request === undefined ? plain(argv) : helpFor(commands, request.topic!))
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw usageError(error, argv, commands)
  }
  for (const help of helpTexts) await io.stdout(help)
  return exitCode
}

/** What help is asked for: a word, which may be a topic or a command, or the overview; undefined: none is. */
function helpRequest(argv: string[]): { topic: string | undefined } | undefined {
  const [first, second] = argv
  const asks = (word: string | undefined): boolean => word === '--help' || word === '-h'
  if (first === undefined || asks(first)) return { topic: undefined }
  if (first === 'help') return { topic: second?.startsWith('-') === false ? second : undefined }
  if (asks(second) && !first.includes(':')) return { topic: first }
  return undefined
}

/** The command line that prints the help of a command; of a word that is none, the one that says so. */
function helpFor(commands: readonly Command[], word: string): string[] {
  const known = commands.some(({ name, aliases }) => name === word || aliases?.includes(word) === true)
  return known ? [word, '--help'] : [word]
}

/** `paas --version` is what people type first. */
function plain(argv: string[]): string[] {
  return argv[0] === '--version' || argv[0] === '-V' ? ['version', ...argv.slice(1)] : argv
}

type Program = { subs: Map<Command, Commander>; parse: (argv: string[]) => Promise<unknown> }

function buildProgram(
  commands: readonly Command[],
  columns: number,
  writeHelp: (text: string) => void,
): Program {
  const configure = (command: Commander): Commander =>
    command
      .exitOverride()
      .helpOption('-h, --help', 'show this help')
      .configureOutput({
        writeOut: writeHelp,
        // What goes wrong is in the CommanderError that is thrown.
        outputError: () => undefined,
        getOutHelpWidth: () => columns,
      })
  const program = configure(new Commander('paas'))
  program.enablePositionalOptions().helpCommand(false).showSuggestionAfterError()
  const subs = new Map(commands.map((command) => [command, configure(declare(command))]))
  for (const sub of subs.values()) program.addCommand(sub)
  return { subs, parse: (argv) => program.parseAsync(argv, { from: 'user' }) }
}

function declare(command: Command): Commander {
  const sub = new Commander(command.name)
  sub.summary(command.summary).description(command.description ?? command.summary)
  for (const alias of command.aliases ?? []) sub.alias(alias)
  for (const [name, schema] of Object.entries(command.args)) {
    const word = isRepeated(schema) ? `${name}...` : name
    sub.argument(isOptional(schema) ? `[${word}]` : `<${word}>`, schema.description)
    if (schema.meta()?.['passThrough'] === true) sub.passThroughOptions()
  }
  for (const [name, schema] of Object.entries(command.flags)) {
    const { short, value } = (schema.meta() ?? {}) as { short?: string; value?: string }
    const long = `--${kebab(name)}${isSwitch(schema) ? '' : ` <${value ?? 'value'}>`}`
    const option = new Option(short === undefined ? long : `-${short}, ${long}`, schema.description)
    if (isRepeated(schema))
      option.argParser((word: string, before: string[] | undefined) => [...(before ?? []), word])
    sub.addOption(option)
  }
  const app = new Option('-a, --app <name>', 'the app')
  sub.addOption(command.app === 'none' ? app.hideHelp() : app)
  if (command.result !== undefined) sub.option('--json', 'print the result as JSON')
  const s = command.examples.length > 1 ? 's' : ''
  sub.addHelpText('after', `\nExample${s}:\n${command.examples.map((line) => `  ${line}`).join('\n')}`)
  return sub
}

function rawFields(
  command: Command,
  sub: Commander,
  input: unknown[],
): { app: string | undefined; fields: RawFields } {
  const options = sub.opts<Record<string, unknown>>()
  const args = Object.fromEntries(Object.keys(command.args).map((name, i) => [name, input[i]]))
  const flags = Object.fromEntries(Object.keys(command.flags).map((name) => [name, flagValue(options, name)]))
  return {
    app: options['app'] as string | undefined,
    fields: { args, flags, json: options['json'] === true },
  }
}

/** commander keeps `--no-restart` as `restart: false`. */
function flagValue(options: Record<string, unknown>, name: string): unknown {
  const negated = /^no([A-Z])(.*)$/.exec(name)
  return negated === null ? options[name] : options[negated[1]!.toLowerCase() + negated[2]!] === false
}
