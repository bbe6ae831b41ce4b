import { z } from 'zod'
import { reshape } from '../../deploy/reshape.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { appQueue } from '../../apps/queue.ts'
import { App } from '../../model/app.ts'
import { Check } from '../../model/check.ts'
import { ProcessType } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { decimal } from '../fields.ts'
import { askerOf, deployContext } from '../deploying.ts'

const within = (schema: z.ZodNumber) => decimal.pipe(schema).optional()

export const checksSet = defineCommand({
  name: 'checks:set',
  summary: 'set how an app is checked, and how its old containers go',
  description:
    'Sets the checks of a process type, as one new release, in place of those of app.json: a path, a command or an ' +
    'uptime. --skip has it only stay up for a moment, --default takes app.json’s again. --wait-to-retire and ' +
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
  flags: {
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
    wait: within(Check.shape.wait.unwrap())
      .describe('seconds between attempts (1)')
      .meta({ value: 'seconds' }),
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
  },
  result: z.object({ app: z.string(), release: z.int().nullable() }),
  async run({ app, args, flags }, context) {
    const { waitToRetire, stopTimeout, skip, default: back, liveness, command, ...facts } = flags
    const defined = Object.entries(facts).filter(([, value]) => value !== undefined)
    const given = defined.length > 0 || command !== undefined || liveness
    const ways = [skip, back, given].filter(Boolean).length
    const isTimed = waitToRetire !== undefined || stopTimeout !== undefined
    if (ways > 0 !== (args.type !== undefined) || (ways === 0 && !isTimed)) {
      throw new PaasError('INVALID_INPUT', 'A check is of a process type, and says what is checked.', {
        hint: 'For example: paas checks:set -a blog web --path /health',
      })
    }
    if (ways > 1 || (facts.path !== undefined && command !== undefined)) {
      throw new PaasError('INVALID_INPUT', '--skip, --default, --path and --command exclude each other.', {
        hint: 'For example: paas checks:set -a blog web --path /health',
      })
    }
    const { type } = args
    const shell = command === undefined ? {} : { command: ['/bin/sh', '-c', command] }
    const check = given
      ? Check.parse({ ...Object.fromEntries(defined), ...shell, type: liveness ? 'liveness' : 'startup' })
      : undefined
    const release =
      type === undefined
        ? undefined
        : await reshape(
            app,
            {
              verb: 'checks:set',
              description: `Set checks of ${type}`,
              types: back ? [] : [type],
              change: ({ checks = {} }) => ({ checks: changed(checks, type, back ? 'default' : check) }),
            },
            deployContext(context),
          )
    if (isTimed) {
      await appQueue(context.platform, app, { ...askerOf(context), verb: 'checks:set' }, (current) =>
        context.platform.store.apps.save({
          ...current,
          ...(waitToRetire !== undefined && { waitToRetire }),
          ...(stopTimeout !== undefined && { stopTimeout }),
        }),
      )
    }
    return { app: app.name, release: release ?? null }
  },
  render: ({ app, release }) => `Set for ${app}${release === null ? '' : `: v${release}`}.\n`,
})

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
