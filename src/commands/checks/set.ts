import { z } from 'zod'
import { reshape } from '../../deploy/reshape.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { appQueue } from '../../apps/queue.ts'
import { type App } from '../../model/app.ts'
import { Check } from '../../model/check.ts'
import { identityName } from '../../model/key.ts'
import { ProcessType } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'

const number = z
  .string()
  .regex(/^\d{1,4}(\.\d{1,3})?$/, 'give a number')
  .transform(Number)
  .optional()

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
    status: number.describe('the status that the answer must have').meta({ value: 'code' }),
    content: z.string().optional().describe('text that the answer must contain').meta({ value: 'text' }),
    command: z.string().optional().describe('a shell line in the container').meta({ value: 'line' }),
    uptime: number.describe('seconds that it must stay up').meta({ value: 'seconds' }),
    attempts: number.describe('how often it is tried (30)').meta({ value: 'count' }),
    timeout: number.describe('seconds for one attempt (5)').meta({ value: 'seconds' }),
    wait: number.describe('seconds between attempts (1)').meta({ value: 'seconds' }),
    initialDelay: number.describe('seconds before the first one (0)').meta({ value: 'seconds' }),
    liveness: z.boolean().default(false).describe('for as long as it runs, beside the startup checks'),
    skip: z.boolean().default(false).describe('no checks'),
    default: z.boolean().default(false).describe('the checks of app.json again'),
    waitToRetire: number.describe('seconds for requests in flight').meta({ value: 'seconds' }),
    stopTimeout: number.describe('seconds from SIGTERM to SIGKILL').meta({ value: 'seconds' }),
  },
  result: z.object({ app: z.string(), release: z.int().nullable() }),
  async run({ app, args, flags }, context) {
    const { waitToRetire, stopTimeout, skip, default: back, liveness, command, ...facts } = flags
    const given = Object.entries({ ...facts, command, ...(skip && { skip }), ...(back && { back }) }).filter(
      ([, value]) => value !== undefined,
    )
    const isTimed = waitToRetire !== undefined || stopTimeout !== undefined
    if (given.length > 0 !== (args.type !== undefined) || (given.length === 0 && !isTimed)) {
      throw new PaasError('INVALID_INPUT', 'A check is of a process type, and says what is checked.', {
        hint: 'For example: paas checks:set -a blog web --path /health',
      })
    }
    if (isTimed) {
      const who = { owner: identityName(context.identity), verb: 'checks:set' }
      await appQueue(context.platform, app, who, (current) =>
        context.platform.store.apps.save({
          ...current,
          ...(waitToRetire !== undefined && { waitToRetire: Math.round(waitToRetire) }),
          ...(stopTimeout !== undefined && { stopTimeout: Math.round(stopTimeout) }),
        }),
      )
    }
    const { type } = args
    if (type === undefined) return { app: app.name, release: null }
    const shell = command === undefined ? {} : { command: ['/bin/sh', '-c', command] }
    const check =
      skip || back ? undefined : readCheck({ ...facts, ...shell, type: liveness ? 'liveness' : 'startup' })
    const change = ({ checks = {} }: App): Pick<App, 'checks'> => {
      const others = Object.fromEntries(Object.entries(checks).filter(([other]) => other !== type))
      if (back) return { checks: others }
      const kept = (checks[type] ?? []).filter((one) => one.type !== check?.type)
      return { checks: { ...others, [type]: check === undefined ? [] : [...kept, check] } }
    }
    const description = `Set checks of ${type}`
    const release = await reshape(app, { verb: 'checks:set', description, change }, deployContext(context))
    return { app: app.name, release: release ?? null }
  },
  render: ({ app, release }) => `Set for ${app}${release === null ? '' : `: v${release}`}.\n`,
})

function readCheck(facts: Record<string, unknown>): Check {
  const defined = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
  const parsed = Check.safeParse(defined)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PaasError('INVALID_INPUT', `--${issue!.path.join('.')}: ${issue!.message}.`)
}
