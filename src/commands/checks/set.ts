import { z } from 'zod'
import { reshape, type Reshaped } from '../../deploy/reshape.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { appQueue } from '../../apps/queue.ts'
import { own } from '../../lib/own.ts'
import { App } from '../../model/app.ts'
import { Check } from '../../model/check.ts'
import { ProcessType } from '../../model/names.ts'
import { type CommandContext, defineCommand } from '../define.ts'
import { decimal } from '../fields.ts'
import { askerOf, deployContext } from '../deploying.ts'

const within = (schema: z.ZodNumber) => decimal.pipe(schema).optional()

const checkFlags = {
  path: Check.shape.path.describe('an HTTP request to this path').meta({ value: 'path' }),
  status: within(Check.shape.status.unwrap())
    .describe('the status that the answer must have')
    .meta({ value: 'code' }),
  content: z.string().optional().describe('text that the answer must contain').meta({ value: 'text' }),
  command: z.string().optional().describe('a shell line in the container').meta({ value: 'line' }),
  uptime: within(Check.shape.uptime.unwrap())
    .describe('seconds that it must stay up')
    .meta({ value: 'seconds' }),
  attempts: within(Check.shape.attempts.unwrap())
    .describe('how often it is tried (30)')
    .meta({ value: 'count' }),
  timeout: within(Check.shape.timeout.unwrap())
    .describe('seconds for one attempt (5)')
    .meta({ value: 'seconds' }),
  wait: within(Check.shape.wait.unwrap()).describe('seconds between attempts (1)').meta({ value: 'seconds' }),
  initialDelay: within(Check.shape.initialDelay.unwrap())
    .describe('seconds before the first one (0)')
    .meta({ value: 'seconds' }),
  liveness: z.boolean().default(false).describe('for as long as it runs, beside the startup checks'),
  skip: z.boolean().default(false).describe('no checks'),
  default: z.boolean().default(false).describe('the checks of app.json again'),
  waitToRetire: within(App.shape.waitToRetire.unwrap())
    .describe('seconds for requests in flight')
    .meta({ value: 'seconds' }),
  stopTimeout: within(App.shape.stopTimeout.unwrap())
    .describe('seconds from SIGTERM to SIGKILL')
    .meta({ value: 'seconds' }),
}

export const checksSet = defineCommand({
  name: 'checks:set',
  summary: 'set how an app is checked, and how its old containers go',
  description:
    'Sets the checks of a process type, as one new release, in place of those of app.json: one of a path, a command and ' +
    'an uptime. --skip has it only stay up for a moment, --default takes app.json’s again. --wait-to-retire and ' +
    '--stop-timeout are of the whole app: seconds for requests in flight, and between SIGTERM and SIGKILL.',
  examples: [
    'paas checks:set -a blog web --path /health --attempts 20',
    'paas checks:set -a blog web --path /alive --liveness --wait 10',
    'paas checks:set -a blog worker --skip',
    'paas checks:set -a blog --wait-to-retire 60 --stop-timeout 20',
  ],
  access: 'deploy',
  app: 'required',
  args: { type: ProcessType.optional().describe('a process type') },
  flags: checkFlags,
  result: z.object({ app: z.string(), changed: z.boolean(), release: z.int().nullable() }),
  async run({ app, args: { type }, flags }, context) {
    const problem = unclear(type, flags)
    if (problem !== undefined) {
      throw new PaasError('INVALID_INPUT', problem, {
        hint: 'For example: paas checks:set -a blog web --path /health',
      })
    }
    const done = type === undefined ? undefined : await setChecks(app, type, flags, context)
    const timed = await setTimes(app, flags, context)
    return {
      app: app.name,
      changed: timed || (done !== undefined && done.outcome !== 'unchanged'),
      release: done?.outcome === 'live' ? done.release : null,
    }
  },
  render: ({ app, changed, release }) =>
    changed
      ? `Set for ${app}${release === null ? '' : `: v${release}`}.\n`
      : `Nothing to change: it was so already for ${app}.\n`,
})

type Flags = z.infer<z.ZodObject<typeof checkFlags>>

/** What is wrong with the words taken together. */
function unclear(type: ProcessType | undefined, flags: Flags): string | undefined {
  const { skip, default: back, path, command, uptime, status, content } = flags
  const ways = [skip, back, path, command, uptime].filter((way) => way !== undefined && way !== false).length
  const isTimed = flags.waitToRetire !== undefined || flags.stopTimeout !== undefined
  if (type === undefined) {
    if (ways > 0 || isChecked(flags)) return 'Say of which process type.'
    return isTimed ? undefined : 'Say what is checked, and of which process type.'
  }
  if (ways > 1) return '--path, --command, --uptime, --skip and --default exclude each other.'
  if ((skip || back) && isChecked(flags)) return 'With --skip or --default nothing else is said of a check.'
  if (path === undefined && (status !== undefined || content !== undefined)) {
    return '--status and --content are of the answer to a --path.'
  }
  if (ways > 0 || isChecked(flags)) return undefined
  return isTimed
    ? `--wait-to-retire and --stop-timeout are of the whole app: leave out ${type}.`
    : `Say how ${type} is checked: by --path, --command or --uptime; or --skip, or --default.`
}

/** What the flags say of a check, its command and kind aside. */
function factsOf(flags: Flags): Partial<Flags> {
  const { path, status, content, uptime, attempts, timeout, wait, initialDelay } = flags
  const all = { path, status, content, uptime, attempts, timeout, wait, initialDelay }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Whether the flags describe a check. */
const isChecked = (flags: Flags): boolean =>
  flags.command !== undefined || flags.liveness || Object.keys(factsOf(flags)).length > 0

function setChecks(app: App, type: ProcessType, flags: Flags, context: CommandContext): Promise<Reshaped> {
  const { skip, default: back, liveness, command } = flags
  const shell = command === undefined ? {} : { command: ['/bin/sh', '-c', command] }
  const check =
    skip || back
      ? undefined
      : Check.parse({ ...factsOf(flags), ...shell, type: liveness ? 'liveness' : 'startup' })
  // Checks of a type that is gone from the Procfile can still be taken back.
  const isLeftOver = back && own(app.checks ?? {}, type) !== undefined
  return reshape(
    app,
    {
      verb: 'checks:set',
      description: `Set checks of ${type}`,
      types: isLeftOver ? [] : [type],
      change: ({ checks = {} }) => ({ checks: changed(checks, type, back ? 'default' : check) }),
    },
    deployContext(context),
  )
}

/** Resolves to whether anything was changed. */
async function setTimes(app: App, flags: Flags, context: CommandContext): Promise<boolean> {
  const { waitToRetire, stopTimeout } = flags
  if (waitToRetire === undefined && stopTimeout === undefined) return false
  return appQueue(context.platform, app, { ...askerOf(context), verb: 'checks:set' }, async (current) => {
    const after = {
      ...current,
      ...(waitToRetire !== undefined && { waitToRetire }),
      ...(stopTimeout !== undefined && { stopTimeout }),
    }
    await context.platform.store.apps.save(after)
    return after.waitToRetire !== current.waitToRetire || after.stopTimeout !== current.stopTimeout
  })
}

/** Pure. Without a check there are none; one takes the place of those of its kind. */
function changed(
  checks: NonNullable<App['checks']>,
  type: ProcessType,
  check: Check | 'default' | undefined,
): NonNullable<App['checks']> {
  const others = Object.fromEntries(Object.entries(checks).filter(([other]) => other !== type))
  if (check === 'default') return others
  const kept = (checks[type] ?? []).filter((one) => one.type !== check?.type)
  return { ...others, [type]: check === undefined ? [] : [...kept, check] }
}
