import { z } from 'zod'
import { hostsOf } from '../../apps/hosts.ts'
import { type Process, processesOf, processStates } from '../../deploy/processes.ts'
import { liveRelease } from '../../deploy/turn.ts'
import { own } from '../../lib/own.ts'
import { defineCommand } from '../define.ts'
import { ago, table } from '../render.ts'

const ProcessRow = z.object({
  name: z.string(),
  type: z.string(),
  index: z.int(),
  state: z.enum(processStates),
  since: z.string().nullable(),
  release: z.int(),
  /** What it runs; null: the image's own command. */
  command: z.string().nullable(),
  /** Of one that has crashed; null for others. */
  exit: z.object({ code: z.int(), oomKilled: z.boolean() }).nullable(),
  oneOff: z.boolean(),
})
type ProcessRow = z.infer<typeof ProcessRow>

export const psList = defineCommand({
  name: 'ps:list',
  aliases: ['ps'],
  summary: 'list the processes of an app and how they are',
  description:
    'Lists what runs. starting: not in use yet. up: in use. stopping: not in use any more. crashed: it ended, and is ' +
    'started again after a while. down: there is nothing of it.',
  examples: ['paas ps -a blog', 'paas ps -a blog --json'],
  access: 'read',
  app: 'required',
  result: z.array(ProcessRow),
  async run({ app }, context) {
    const { scheduler, store, instance } = context.platform
    const [release, containers, route] = await Promise.all([
      liveRelease(context, app),
      scheduler.list(app.id),
      store.routes.get(hostsOf(app, instance.domain)[0]!),
    ])
    const routed = new Set(route?.backends.map((backend) => new URL(backend).hostname))
    return processesOf(app, { live: release, containers, routed }).map((process) =>
      row(process, own(release?.image.processes ?? {}, process.type)?.command),
    )
  },
  render(processes) {
    const groups = Map.groupBy(processes, ({ type }) => type)
    return [...groups].map(([type, members]) => heading(type, members) + table(members.map(cells))).join('\n')
  },
})

function row({ type, index, state, since, release, exit, oneOff }: Process, command?: string): ProcessRow {
  return {
    name: `${type}.${index}`,
    type,
    index,
    state,
    since: since?.toISOString() ?? null,
    release,
    command: command ?? null,
    exit: exit ?? null,
    oneOff,
  }
}

function heading(type: string, members: ProcessRow[]): string {
  const command = members[0]?.command
  return `=== ${type} (${members.length})${command == null ? '' : `: ${command.split('\n')[0]!}`}\n`
}

function cells({ name, state, since, release, exit }: ProcessRow): string[] {
  const code = exit === null ? '' : exit.oomKilled ? 'out of memory' : `exit code ${exit.code}`
  return [name, state, `v${release}`, since === null ? '' : ago(new Date(since), new Date()), code]
}
