import { Command as Commander, CommanderError, Option } from 'commander'
import { type z } from 'zod'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Access, type Identity } from '../model/key.ts'
import { AppName } from '../model/names.ts'
import { type Command, type CommandContext } from './define.ts'
import { isOptional, isRepeated, isSwitch, kebab } from './fields.ts'
import { overview, topicHelp } from './help.ts'

/** Throws FORBIDDEN; api/authorise.ts. */
export type Authorise = (identity: Identity, access: Access, app?: { name: string }) => void

/**
 * Parses a command line, authorises it, runs it and prints its result. Returns the exit code of a usage
 * problem or 0; a failure of the command itself is thrown.
 */
export async function runCommandLine(
  commands: readonly Command[],
  argv: string[],
  context: CommandContext,
  authorise: Authorise,
): Promise<number> {
  const { io } = context
  const topic = helpTopic(argv)
  if (topic !== undefined) {
    const text = topic === '' ? overview(commands) : topicHelp(commands, topic)
    if (text !== undefined) {
      await io.stdout(text)
      return 0
    }
  }
  const wanted = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv
  const output: { text: string; to: 'stdout' | 'stderr' }[] = []
  let exitCode = 0
  try {
    const program = buildProgram(commands, io.terminal.columns, output, (command, app, fields) =>
      runCommand(command, app, fields, context, authorise),
    )
    await program.parseAsync(wanted, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    exitCode = error.exitCode === 0 ? 0 : 2
  }
  for (const { text, to } of output) await io[to](text)
  return exitCode
}

/** '' for the overview, a word that may be a topic, or undefined: an ordinary command line. */
function helpTopic(argv: string[]): string | undefined {
  const [first, second] = argv
  if (first === undefined || first === '--help' || first === '-h') return ''
  if (first === 'help') return second ?? ''
  if (!first.includes(':') && (second === '--help' || second === '-h')) return first
  return undefined
}

type RawFields = { args: Record<string, unknown>; flags: Record<string, unknown>; json: boolean }
type RunOne = (command: Command, app: string | undefined, fields: RawFields) => Promise<void>

function buildProgram(
  commands: readonly Command[],
  columns: number,
  output: { text: string; to: 'stdout' | 'stderr' }[],
  run: RunOne,
): Commander {
  const program = new Commander('paas')
  const configure = (command: Commander): Commander =>
    command
      .exitOverride()
      .helpOption('-h, --help', 'show this help')
      .configureOutput({
        writeOut: (text) => output.push({ text, to: 'stdout' }),
        writeErr: (text) => output.push({ text, to: 'stderr' }),
        outputError: (text, write) => write(text.replace(/^error: /, ' !     ')),
        getOutHelpWidth: () => columns,
        getErrHelpWidth: () => columns,
      })
  configure(program).enablePositionalOptions().helpCommand(false).showSuggestionAfterError()
  for (const command of commands) {
    const sub = configure(declare(command))
    sub.action(async (...input: unknown[]) => {
      const options = sub.opts<Record<string, unknown>>()
      const args = Object.fromEntries(Object.keys(command.args).map((name, i) => [name, input[i]]))
      const flags = Object.fromEntries(
        Object.keys(command.flags).map((name) => [name, flagValue(options, name)]),
      )
      await run(command, options['app'] as string | undefined, {
        args,
        flags,
        json: options['json'] === true,
      })
    })
    program.addCommand(sub)
  }
  return program
}

/** commander keeps `--no-restart` as `restart: false`. */
function flagValue(options: Record<string, unknown>, name: string): unknown {
  const negated = /^no([A-Z])(.*)$/.exec(name)
  return negated === null ? options[name] : options[negated[1]!.toLowerCase() + negated[2]!] === false
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
    const { short, value } = schema.meta() as { short?: string; value?: string }
    const long = `--${kebab(name)}${isSwitch(schema) ? '' : isRepeated(schema) ? ` <${value ?? 'value'}...>` : ` <${value ?? 'value'}>`}`
    sub.addOption(new Option(short === undefined ? long : `-${short}, ${long}`, schema.description))
  }
  const app = new Option('-a, --app <name>', 'the app')
  sub.addOption(command.app === 'none' ? app.hideHelp() : app)
  if (command.result !== undefined) sub.option('--json', 'print the result as JSON')
  const s = command.examples.length > 1 ? 's' : ''
  sub.addHelpText('after', `\nExample${s}:\n${command.examples.map((line) => `  ${line}`).join('\n')}`)
  return sub
}

async function runCommand(
  command: Command,
  appName: string | undefined,
  raw: RawFields,
  context: CommandContext,
  authorise: Authorise,
): Promise<void> {
  const app = await findApp(command, appName, context, authorise)
  const args = parseFields(command.args, raw.args, (name) => name)
  const flags = parseFields(command.flags, raw.flags, (name) => `--${kebab(name)}`)
  const result = await command.run({ app, args, flags }, context)
  if (command.result === undefined) return
  const text = raw.json
    ? `${JSON.stringify(command.result.parse(result), null, 2)}\n`
    : command.render(result, context.io.terminal)
  if (text !== '') await context.io.stdout(text)
}

async function findApp(
  command: Command,
  given: string | undefined,
  { identity, platform }: CommandContext,
  authorise: Authorise,
): Promise<App | undefined> {
  if (command.app === 'none' || (command.app === 'optional' && given === undefined)) {
    authorise(identity, command.access)
    return undefined
  }
  if (given === undefined) {
    throw new PaasError('INVALID_INPUT', `${command.name} needs an app.`, {
      hint: `Name it: paas ${command.name} -a APP. The apps are in \`paas apps:list\`.`,
    })
  }
  const name = AppName.safeParse(given)
  authorise(identity, command.access, { name: given })
  const app = name.success ? await platform.store.apps.find(name.data) : undefined
  if (app === undefined) {
    throw new PaasError('APP_NOT_FOUND', `There is no app named ${JSON.stringify(given)}.`, {
      hint: `The apps are in \`paas apps:list\`; \`paas apps:create\` makes one.`,
    })
  }
  return app
}

function parseFields(
  fields: Record<string, z.ZodType>,
  raw: Record<string, unknown>,
  label: (name: string) => string,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => {
      const parsed = schema.safeParse(raw[name])
      if (parsed.success) return [name, parsed.data]
      const problem = parsed.error.issues.map((issue) => issue.message).join('; ')
      throw new PaasError('INVALID_INPUT', `${label(name)}: ${problem}.`)
    }),
  )
}
