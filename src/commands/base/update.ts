import { z } from 'zod'
import { baseInfo, buildBase } from '../../build/base-image.ts'
import { baseStateOf, rebuild } from '../../deploy/rebuild.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { identityName } from '../../model/key.ts'
import { deployContext } from '../deploying.ts'
import { defineCommand } from '../define.ts'
import { runtimeOf } from './shown-base.ts'

export const baseUpdate = defineCommand({
  name: 'base:update',
  summary: 'take Debian’s updates into the base and every app on it',
  description:
    'Builds the base anew; then, one app after another, builds the live commit of each app on an older base and ' +
    'deploys it through the same checks and switch as a push. Stops at the first app that fails, which keeps its ' +
    'old release.',
  examples: ['paas base:update --plan', 'paas base:update'],
  access: 'admin',
  app: 'none',
  flags: { plan: z.boolean().default(false).describe('say what would be done, and do nothing') },
  result: z.object({
    /** Whether Debian had anything new; null for a plan, which does not look. */
    baseChanged: z.boolean().nullable(),
    rebuilt: z.array(z.string()),
    /** Apps still on an older base. */
    waiting: z.array(z.string()),
  }),
  async run({ flags }, context) {
    const { platform, identity, io, signal } = context
    const before = await baseInfo(platform.engine)
    if (flags.plan) {
      const apps = before === undefined ? [] : await appsOn(context, before, ['old', 'current'])
      return { baseChanged: null, rebuilt: [], waiting: apps.map(({ name }) => name) }
    }
    const who = { owner: identityName(identity), verb: 'base:update', signal }
    const base = await platform.queues.run('base', who, () =>
      buildBase(platform.engine, {
        instance: platform.instance.name,
        runtime: runtimeOf(platform.paths),
        onLine: (line) => void io.stderr(`       ${line}\n`),
        signal,
      }),
    )
    const old = await appsOn(context, base, ['old'])
    const rebuilt: string[] = []
    for (const app of old) {
      await io.stderr(`=====> ${app.name}\n`)
      try {
        await rebuild(app, deployContext(context))
      } catch (error) {
        const waiting = old.slice(rebuilt.length + 1).map(({ name }) => name)
        throw new PaasError(
          'BUILD_FAILED',
          `${app.name} does not go live on the new base and keeps its old release` +
            (waiting.length === 0 ? '.' : `; not tried yet: ${waiting.join(', ')}.`),
          { hint: `Its reason is above. Once it is dealt with: paas base:update`, cause: error },
        )
      }
      rebuilt.push(app.name)
    }
    return { baseChanged: before?.id !== base.id, rebuilt, waiting: [] }
  },
  render: ({ baseChanged, rebuilt, waiting }) => {
    if (baseChanged === null)
      return waiting.length === 0
        ? 'No app is on the base.\n'
        : `If Debian has anything new, these are rebuilt one after another: ${waiting.join(', ')}.\n`
    const base = baseChanged ? 'The base is new' : 'The base was up to date'
    return rebuilt.length === 0
      ? `${base}; every app on it is too.\n`
      : `${base}; rebuilt ${rebuilt.join(', ')}.\n`
  },
})

async function appsOn(
  { platform }: Parameters<typeof deployContext>[0],
  base: NonNullable<Awaited<ReturnType<typeof baseInfo>>>,
  states: readonly string[],
) {
  const apps = await platform.store.apps.list()
  const found = await Promise.all(
    apps.map(async (app) => ({ app, state: await baseStateOf(platform, app, base) })),
  )
  return found.flatMap(({ app, state }) => (state !== undefined && states.includes(state) ? [app] : []))
}
