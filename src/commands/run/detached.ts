import { z } from 'zod'
import { startDetached } from '../../run/detached.ts'
import { commandLine, oneOffSpec, releaseToRun, runSlot } from '../../run/one-off.ts'
import { defineCommand } from '../define.ts'
import { environment, words } from './fields.ts'

export const runDetached = defineCommand({
  name: 'run:detached',
  summary: 'run a command once and do not wait for it',
  description:
    'Starts a container of the live release for one command and returns. What it prints, and its exit code, are in the ' +
    'logs of the app.',
  examples: ['paas run:detached -a blog -- rake reindex', 'paas logs -a blog -f -t run'],
  access: 'deploy',
  app: 'required',
  args: { command: words },
  flags: { env: environment },
  result: z.object({ app: z.string(), name: z.string() }),
  async run({ app, args, flags }, { platform }) {
    const release = await releaseToRun(platform, app)
    const spec = await oneOffSpec(
      platform,
      { app, release },
      { slot: runSlot(), command: commandLine(args.command, release.image), env: flags.env },
    )
    return { app: app.name, name: await startDetached(platform, spec) }
  },
  render: ({ app, name }) => `Started ${name}. Its output: paas logs -a ${app} -t ${name}\n`,
})
