import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { type Container } from '../../schedulers/scheduler.ts'
import { commandLine } from '../../run/one-off.ts'
import { talk } from '../../run/talk.ts'
import { defineCommand } from '../define.ts'
import { terminalOf } from '../run/terminal.ts'

export const psExec = defineCommand({
  name: 'ps:exec',
  summary: 'run a command inside a process of an app that runs',
  description:
    'Runs a command in a container that runs already, with your terminal or your pipes; a shell where none is given. ' +
    'The exit code is the command’s. It ends when you go away.',
  examples: ['paas ps:exec -a blog web.1', 'paas ps:exec -a blog web.1 -- cat /proc/1/status'],
  access: 'deploy',
  app: 'required',
  args: {
    process: z.string().describe('a process, as web.1, or a type, for its first one'),
    command: z
      .array(z.string())
      .default([])
      .transform((words) => (words[0] === '--' ? words.slice(1) : words))
      .describe('the command (a shell)')
      .meta({ passThrough: true }),
  },
  result: z.object({ exitCode: z.int() }),
  async run({ app, args }, { platform, io, signal }) {
    const container = pick(await platform.scheduler.list(app.id), args.process)
    if (container === undefined) {
      throw new PaasError('NOT_FOUND', `No process ${JSON.stringify(args.process)} of ${app.name} runs.`, {
        hint: `What runs: paas ps -a ${app.name}`,
      })
    }
    const tty = terminalOf(io.terminal)
    const line = args.command.length === 0 ? shell : commandLine(args.command, { processes: {} })
    const process = await platform.scheduler.interact(container.id, line, tty)
    return { exitCode: await talk(process, io, { tty: tty !== undefined, signal }) }
  },
  exitCode: ({ exitCode }) => exitCode,
})

const shell = 'if command -v bash >/dev/null; then exec bash; else exec sh; fi'

/** The newest of the name, as after a deploy the old one may still finish its requests. */
function pick(containers: Container[], name: string): Container | undefined {
  return containers
    .filter(({ running, slot }) => running && (name === slot.type || name === `${slot.type}.${slot.index}`))
    .sort((a, b) => a.slot.index - b.slot.index || Number(b.startedAt) - Number(a.startedAt))[0]
}
