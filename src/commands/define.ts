import { type Readable } from 'node:stream'
import { type z } from 'zod'
import { type Platform } from '../apps/platform.ts'
import { type App } from '../model/app.ts'
import { type Access, type Identity } from '../model/key.ts'
import { type Terminal } from '../model/terminal.ts'

/** The caller's side of a running command. */
export type CommandIo = {
  /** Read only by commands that want it; the client sends nothing before. */
  stdin: () => Readable
  /** The same from a file of the caller's, which its command line names; `-` is stdin. */
  file: (path: string) => Readable
  /** `git archive` of a commit of the repository that the caller is in; the command line names it, or it is HEAD. */
  archive: (ref: string) => Readable
  /**
   * A tar of a folder of the caller's that its command line names, or the one it is in: all names, and the texts of the
   * files that decide how it is built.
   */
  folder: (path: string) => Readable
  /** Lets the caller edit a text in an editor of theirs; ends with the text as it was left. */
  edit: (text: string) => Readable
  /** Resolve when the text has been taken by the caller: that is the back-pressure. */
  stdout: (text: string | Uint8Array) => Promise<void>
  stderr: (text: string | Uint8Array) => Promise<void>
  terminal: Terminal
  /** Raw mode: keys, Ctrl-C included, arrive on stdin as they are pressed. */
  rawMode: (raw: boolean) => void
  /** Takes the caller's signals in place of `CommandContext.signal`, which then aborts on disconnect only. */
  onSignal: (listener: (name: string) => void) => void
  onResize: (listener: (size: { columns: number; rows: number }) => void) => void
}

export type CommandContext = {
  platform: Platform
  identity: Identity
  io: CommandIo
  /** Aborts when the caller interrupts or goes away. */
  signal: AbortSignal
}

type Fields = Record<string, z.ZodType>
type NoFields = Record<string, never>
type Parsed<F extends Fields> = { [K in keyof F]: z.output<F[K]> }

/**
 * `required`: -a/--app names an app that must exist and that the caller may touch.
 * `optional`: the same where given. `known`: the same, and one that is not there is none, as a client sends the name of
 * its clone's app before there is one. `none`: -a is accepted and ignored, so that a client may always send it.
 */
export type AppUse = 'required' | 'optional' | 'known' | 'none'
type AppOf<U extends AppUse> = U extends 'required' ? App : U extends 'none' ? undefined : App | undefined

export type CommandSpec<U extends AppUse, A extends Fields, F extends Fields, R extends z.ZodType> = {
  /** `topic:verb`, or a single word; it is also the file's path below commands/. */
  name: string
  /** The topic of commands/topics.ts that it is listed under, where that is not the name's own. */
  topic?: string
  aliases?: string[]
  summary: string
  /** More than the summary says, where there is more to say. Plain text, wrapped by the help. */
  description?: string
  /** Whole command lines, `paas …`; a test parses every one. */
  examples: [string, ...string[]]
  access: Access
  app: U
  /**
   * Positional arguments in order, each with `.describe()`. One that accepts undefined is optional; an
   * array, last, takes the rest.
   */
  args?: A
  /** Flags by camel-case name, with `.describe()`; booleans are switches; `.meta({ short: 'n', value: 'lines' })`. */
  flags?: F
  /** The shape of `--json`; undefined where the command streams text itself and has no result. */
  result?: R
  run: (
    input: { app: AppOf<U>; args: Parsed<A>; flags: Parsed<F> },
    context: CommandContext,
  ) => Promise<z.output<R>>
  /** What a person sees on stdout; pure. Empty: nothing. */
  render?: (result: z.output<R>, terminal: Terminal) => string
  /** What a person at a terminal is told where there is nothing to see. */
  whenEmpty?: string
  /** The exit code where a result may be bad news; 0 for any result without it. */
  exitCode?: (result: z.output<R>) => number
}

/** A command as the program walks it: its type parameters forgotten. */
export type Command = Omit<CommandSpec<AppUse, Fields, Fields, z.ZodType>, 'run' | 'render' | 'exitCode'> & {
  args: Fields
  flags: Fields
  run: (
    input: { app: App | undefined; args: Record<string, unknown>; flags: Record<string, unknown> },
    context: CommandContext,
  ) => Promise<unknown>
  render: (result: unknown, terminal: Terminal) => string
  exitCode: (result: unknown) => number
}

/** Declares a command. Types flow from the zod fields into `run` and `render`. */
export function defineCommand<
  U extends AppUse,
  A extends Fields = NoFields,
  F extends Fields = NoFields,
  R extends z.ZodType = z.ZodVoid,
>(spec: CommandSpec<U, A, F, R>): Command {
  return { args: {}, flags: {}, render: () => '', exitCode: () => 0, ...spec } as unknown as Command
}
