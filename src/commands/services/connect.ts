import { z } from 'zod'
import { accessOf } from '../../services/access.ts'
import { runningServer } from '../../services/container.ts'
import { talk } from '../../run/talk.ts'
import { datastoreOf } from '../../services/registry.ts'
import { defineCommand } from '../define.ts'
import { terminalOf } from '../run/terminal.ts'
import { serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesConnect = defineCommand({
  name: 'services:connect',
  summary: 'open the client of a service: psql, redis-cli, …',
  description: 'With a terminal it is interactive; without one it reads its commands from stdin.',
  examples: ['paas services:connect db1', 'ssh -t paas@host services:connect db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  result: z.object({ code: z.int() }),
  async run({ args }, context) {
    const { platform, io, signal } = context
    const service = await serviceOf(args.name, context)
    const container = await runningServer(platform, service)
    const { command, env = {} } = datastoreOf(service).shell(accessOf(service, platform.store.secrets))
    const tty = terminalOf(io.terminal)
    const exec = await platform.engine.containers.run(container, {
      command,
      env: { ...env, ...(tty && { TERM: 'xterm-256color' }) },
      ...(tty && { tty }),
    })
    return { code: await talk(exec, io, { tty: tty !== undefined, signal }) }
  },
  exitCode: ({ code }) => code,
})
