import { type z } from 'zod'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Access, type Identity } from '../model/key.ts'
import { AppName } from '../model/names.ts'
import { type Command, type CommandContext } from './define.ts'
import { kebab } from './fields.ts'
import { tellEmpty } from './when-empty.ts'

/** Throws FORBIDDEN; api/authorise.ts. */
export type Authorise = (identity: Identity, access: Access, app?: { name: string }) => void

/** The words of a command line by the fields that they are for, not checked yet. */
export type RawFields = { args: Record<string, unknown>; flags: Record<string, unknown>; json: boolean }

/** Authorises a command, checks its fields, runs it and prints its result; resolves to its exit code. */
export async function invoke(
  command: Command,
  appName: string | undefined,
  raw: RawFields,
  context: CommandContext,
  authorise: Authorise,
): Promise<number> {
  const app = await findApp(command, appName, context, authorise)
  const args = parseFields(command.args, raw.args, (name) => name)
  const flags = parseFields(command.flags, raw.flags, (name) => `--${kebab(name)}`)
  const result = await command.run({ app, args, flags }, context)
  if (command.result === undefined) return 0
  const text = raw.json
    ? `${JSON.stringify(command.result.parse(result), null, 2)}\n`
    : command.render(result, context.io.terminal)
  if (text !== '') await context.io.stdout(text)
  else if (command.whenEmpty !== undefined) await tellEmpty(context.io, command.whenEmpty)
  return command.exitCode(result)
}

async function findApp(
  command: Command,
  given: string | undefined,
  { identity, platform }: CommandContext,
  authorise: Authorise,
): Promise<App | undefined> {
  if (command.app === 'none' || (command.app !== 'required' && given === undefined)) {
    authorise(identity, command.access)
    return undefined
  }
  if (given === undefined) {
    throw new PaasError('INVALID_INPUT', `${command.name} needs an app.`, {
      hint: `Name it: paas ${command.name} -a APP. The apps are in \`paas apps:list\`.`,
    })
  }
  authorise(identity, command.access, { name: given })
  const name = AppName.safeParse(given)
  const app = name.success ? await platform.store.apps.find(name.data) : undefined
  if (app === undefined && !(command.app === 'known' && name.success)) {
    throw new PaasError('APP_NOT_FOUND', `There is no app named ${JSON.stringify(given.slice(0, 64))}.`, {
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
      const problem = raw[name] === undefined ? 'it is needed' : parsed.error.issues.map(inWords).join('; ')
      throw new PaasError('INVALID_INPUT', `${label(name)}: ${problem}.`)
    }),
  )
}

/** What zod says by itself is for programmers. */
function inWords(issue: z.core.$ZodIssue): string {
  const { code, message } = issue
  if (!/^(?:Invalid|Too) /.test(message)) return message
  if (code === 'invalid_value') return `give one of ${issue.values.map(String).join(', ')}`
  if (code === 'too_small') return `give at least ${issue.minimum}`
  if (code === 'too_big') return `give at most ${issue.maximum}`
  return code === 'invalid_type' && issue.expected === 'number' ? 'give a number' : message
}
