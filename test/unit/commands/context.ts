import { Readable } from 'node:stream'
import { type Platform } from '../../../src/apps/platform.ts'
import { type Command, type CommandContext } from '../../../src/commands/define.ts'
import { type App } from '../../../src/model/app.ts'
import { type Identity } from '../../../src/model/key.ts'
import { AppId, type AppName } from '../../../src/model/names.ts'

/** What a command line led to. */
export type Taken = { command: string; app: string | undefined; args: unknown; flags: unknown }

/** The commands as declared, but instead of running, each notes what it was given. */
export function recorded(
  commands: readonly Command[],
  result: unknown = {},
): { commands: Command[]; taken: Taken[] } {
  const taken: Taken[] = []
  return {
    taken,
    commands: commands.map((command) => ({
      ...command,
      run: async ({ app, args, flags }) => {
        taken.push({ command: command.name, app: app?.name, args, flags })
        return result
      },
      render: () => '',
      exitCode: () => 0,
    })),
  }
}

/** A caller whose output is kept, on a platform that has every app that is asked for but `nope`. */
export function caller(identity: Identity = { via: 'root' }): {
  context: CommandContext
  said: { stdout: string; stderr: string }
} {
  const said = { stdout: '', stderr: '' }
  const keep = (stream: keyof typeof said) => async (text: string | Uint8Array) => {
    said[stream] += Buffer.from(text).toString()
  }
  const find = async (name: AppName): Promise<App | undefined> =>
    name === 'nope'
      ? undefined
      : {
          id: AppId.parse('a00000000000000a'),
          name,
          createdAt: '2026-11-20T12:00:00.000Z',
          formation: {},
          domains: [],
          lastRelease: 0,
        }
  const context: CommandContext = {
    identity,
    platform: { store: { apps: { find } } } as unknown as Platform,
    signal: new AbortController().signal,
    io: {
      stdin: () => Readable.from([]),
      file: () => Readable.from([]),
      archive: () => Readable.from([]),
      folder: () => Readable.from([]),
      edit: () => Readable.from([]),
      stdout: keep('stdout'),
      stderr: keep('stderr'),
      terminal: { tty: { stdin: false, stdout: false, stderr: false }, columns: 80, rows: 24, color: false },
      rawMode: () => undefined,
      onSignal: () => undefined,
      onResize: () => undefined,
    },
  }
  return { context, said }
}
