import { z } from 'zod'
import { hostsOf } from '../../apps/hosts.ts'
import { type Process, processesOf, processStates } from '../../deploy/processes.ts'
import { liveRelease } from '../../deploy/turn.ts'
import { own } from '../../lib/own.ts'
import { type App } from '../../model/app.ts'
import { type Release } from '../../model/release.ts'
import { isOf, type LogLine } from '../../logs/line.ts'
import { lastLines } from '../../logs/read.ts'
import { slotKey } from '../../deploy/slot-key.ts'
import { type Platform } from '../../apps/platform.ts'
import { type Container } from '../../schedulers/scheduler.ts'
import { type CommandContext, defineCommand } from '../define.ts'
import { ago, bytes, table } from '../render.ts'

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
  /** Seconds that it has run; null where it does not. */
  uptime: z.number().nullable(),
  /** How often it ended by itself since the release, or the last restart. */
  restarts: z.int(),
  /** It ended ten times in a row, and is left alone until the next release or restart. */
  givenUp: z.boolean(),
  /** Share of one core, and bytes; null where it does not run. */
  cpu: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  /** What it printed last, where it has crashed. */
  lastLines: z.array(z.string()),
})
type ProcessRow = z.infer<typeof ProcessRow>

export const psList = defineCommand({
  name: 'ps:list',
  aliases: ['ps'],
  summary: 'list the processes of an app and how they are',
  description:
    'Lists what runs. starting: not in use yet. up: in use. stopping: not in use any more. crashed: it ended, and is ' +
    'started again after a while. down: there is nothing of it. stopped: by ps:stop, until ps:start.',
  examples: ['paas ps -a blog', 'paas ps -a blog --json'],
  whenEmpty: 'Nothing is to run: paas scale -a APP web=1',
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
    const processes = processesOf(app, { live: release, containers, routed })
    const usage = await scheduler.usage(containers.filter(({ running }) => running))
    return Promise.all(
      processes.map(async (process) => ({
        ...row(process, own(release?.image.processes ?? {}, process.type)?.command),
        ...(await conditionOf(process, { app, release, containers, usage }, context)),
      })),
    )
  },
  render(processes) {
    const groups = Map.groupBy(processes, ({ type }) => type)
    return [...groups]
      .map(
        ([type, members]) => heading(type, members) + table(members.map(cells)) + members.map(words).join(''),
      )
      .join('\n')
  },
})

type Known = {
  app: App
  release: Release | undefined
  containers: Container[]
  usage: Map<string, { cpu: number; memoryBytes: number }>
}

/** How a process does, beyond its state. */
async function conditionOf(
  { type, index, state, since, oneOff }: Process,
  { app, release, containers, usage }: Known,
  { platform }: CommandContext,
): Promise<Pick<ProcessRow, 'uptime' | 'restarts' | 'givenUp' | 'cpu' | 'memoryBytes' | 'lastLines'>> {
  const container = containers.find(
    (one) => one.running && one.slot.type === type && one.slot.index === index && one.startedAt === since,
  )
  const used = container && usage.get(container.id)
  const slot = { type, index }
  const crashes =
    release === undefined || oneOff
      ? { failures: 0, givenUp: false }
      : platform.crashes.of(slotKey({ app, release }, slot))
  return {
    uptime:
      container === undefined || since === undefined ? null : Math.max(0, Date.now() - Number(since)) / 1000,
    restarts: crashes.failures,
    givenUp: crashes.givenUp,
    cpu: used?.cpu ?? null,
    memoryBytes: used?.memoryBytes ?? null,
    lastLines: state === 'crashed' ? await lastWords(platform, app, `${type}.${index}`) : [],
  }
}

async function lastWords({ logs }: Platform, app: App, process: string): Promise<string[]> {
  const { app: ring } = await logs.rings(app.id)
  const wanted = (line: LogLine): boolean => line.source === 'app' && isOf(line, process)
  const { lines } = await lastLines(ring, { count: 5, wanted })
  return lines.map(({ text }) => text)
}

function row(
  { type, index, state, since, release, exit, oneOff }: Process,
  command?: string,
): Omit<ProcessRow, 'uptime' | 'restarts' | 'givenUp' | 'cpu' | 'memoryBytes' | 'lastLines'> {
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

function cells({
  name,
  state,
  since,
  release,
  exit,
  restarts,
  givenUp,
  cpu,
  memoryBytes,
}: ProcessRow): string[] {
  const code = exit === null ? '' : exit.oomKilled ? 'out of memory' : `exit code ${exit.code}`
  return [
    name,
    state,
    `v${release}`,
    since === null ? '' : ago(new Date(since), new Date()),
    cpu === null ? '' : `${(cpu * 100).toFixed(0)}% of a core`,
    memoryBytes === null ? '' : bytes(memoryBytes),
    restarts === 0 ? '' : restarts === 1 ? 'restarted once' : `restarted ${restarts} times`,
    givenUp ? `${code}, given up until the next release or ps:restart` : code,
  ]
}

const words = ({ name, lastLines }: ProcessRow): string =>
  lastLines.length === 0
    ? ''
    : `  last output of ${name}:\n${lastLines.map((line) => `    ${line}\n`).join('')}`
