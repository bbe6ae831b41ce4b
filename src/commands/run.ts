import { z } from 'zod'
import { commandLine, oneOffSpec, releaseToRun, runSlot } from '../run/one-off.ts'
import { talk } from '../run/talk.ts'
import { defineCommand } from './define.ts'
import { environment, words } from './run/fields.ts'
import { terminalOf } from './run/terminal.ts'

export const run = defineCommand({
  name: 'run',
  summary: 'run a command once in the image and config of an app',
  description:
    'Starts a container of the live release for one command, with your terminal or your pipes, and removes it when the ' +
    'command ends or you go away. The exit code is the command’s. One word is a line for a shell, or a process type of ' +
    'the Procfile; several words are passed on as they are.',
  examples: [
    'paas run -a blog -- bash',
    "paas run -a blog -- 'rake db:migrate && echo done'",
    'paas run -a blog -- psql "$URL" -c "select 1" > answer.txt',
  ],
  access: 'deploy',
  app: 'required',
  args: { command: words },
  flags: { env: environment },
  result: z.object({ exitCode: z.int() }),
  async run({ app, args, flags }, { platform, io, signal }) {
    const release = await releaseToRun(platform, app)
    const tty = terminalOf(io.terminal)
    const spec = await oneOffSpec(
      platform,
      { app, release },
      {
        slot: runSlot(),
        command: commandLine(args.command, release.image),
        env: { ...(tty && { TERM: 'xterm-256color' }), ...flags.env },
      },
    )
    const process = await platform.scheduler.attach(spec, tty)
    try {
      return { exitCode: await talk(process, io, { tty: tty !== undefined, signal }) }
    } finally {
      // The caller's prompt does not wait for the engine to clean up.
      platform.background(`remove ${process.container.name}`, () =>
        platform.scheduler.remove(process.container.id, 1),
      )
    }
  },
  exitCode: ({ exitCode }) => exitCode,
})
