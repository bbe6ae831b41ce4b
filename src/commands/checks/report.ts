import { z } from 'zod'
import { releaseTask } from '../../deploy/formation.ts'
import { checksWithImage } from '../../deploy/image-checks.ts'
import { defaultStopTimeout, defaultWaitToRetire } from '../../deploy/retire.ts'
import { liveRelease } from '../../deploy/turn.ts'
import { own } from '../../lib/own.ts'
import { attemptsOf, Check } from '../../model/check.ts'
import { defineCommand } from '../define.ts'
import { details, table } from '../render.ts'

export const checksReport = defineCommand({
  name: 'checks:report',
  aliases: ['checks'],
  summary: 'show how an app is checked',
  description:
    'Shows the checks of each process type and where they come from: app.json, checks:set, the HEALTHCHECK of the ' +
    'image, or none of them.',
  examples: ['paas checks -a blog', 'paas checks:report -a blog --json'],
  access: 'read',
  app: 'required',
  result: z.object({
    app: z.string(),
    waitToRetire: z.int(),
    stopTimeout: z.int(),
    types: z.array(
      z.object({
        type: z.string(),
        from: z.enum(['app.json', 'checks:set', 'HEALTHCHECK', 'default']),
        checks: z.array(Check),
      }),
    ),
  }),
  async run({ app }, context) {
    const release = await liveRelease(context, app)
    const types = Object.keys(release?.image.processes ?? app.checks ?? {}).filter(
      (type) => type !== releaseTask,
    )
    return {
      app: app.name,
      waitToRetire: app.waitToRetire ?? defaultWaitToRetire,
      stopTimeout: app.stopTimeout ?? defaultStopTimeout,
      types: types.map((type) => {
        const set = own(app.checks ?? {}, type)
        const brought = release && checksWithImage(release.image, type)
        return {
          type,
          from: sourceOf(set, brought, release?.image.healthcheck),
          checks: set ?? brought ?? [],
        }
      }),
    }
  },
  render: ({ app, waitToRetire, stopTimeout, types }) =>
    details(`checks of ${app}`, {
      'wait to retire': `${waitToRetire} s`,
      'stop timeout': `${stopTimeout} s`,
    }) +
    table(
      types.flatMap(({ type, from, checks }) =>
        checks.length === 0
          ? [[type, from, from === 'default' ? 'it listens, or stays up for 5 s' : 'none']]
          : checks.map((check) => [type, from, describe(check)]),
      ),
    ),
})

function sourceOf(
  set: Check[] | undefined,
  brought: Check[] | undefined,
  healthcheck: Check[] | undefined,
): 'app.json' | 'checks:set' | 'HEALTHCHECK' | 'default' {
  if (set !== undefined) return 'checks:set'
  if (brought === undefined) return 'default'
  return brought === healthcheck ? 'HEALTHCHECK' : 'app.json'
}

function describe({ type, path, command, uptime, attempts, timeout, wait }: Check): string {
  const what =
    command !== undefined
      ? command.join(' ')
      : path !== undefined
        ? `GET ${path}`
        : uptime !== undefined
          ? `stays up for ${uptime} s`
          : 'it listens'
  return `${type}: ${what} (${attemptsOf(attempts)} of ${timeout} s, ${wait} s apart)`
}
