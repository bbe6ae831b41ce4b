import { z } from 'zod'
import { baseInfo } from '../../build/base-image.ts'
import { baseStateOf } from '../../deploy/rebuild.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'

export const baseStatus = defineCommand({
  name: 'base:status',
  summary: 'show which apps run on an older base',
  examples: ['paas base:status', 'paas base:status --json'],
  access: 'admin',
  app: 'none',
  result: z.array(
    z.object({
      app: z.string(),
      /** old: base:update rebuilds it. foreign: not on our base. stuck: cannot be rebuilt here. */
      state: z.enum(['current', 'old', 'foreign', 'stuck']),
    }),
  ),
  async run(_, { platform }) {
    const base = await baseInfo(platform.engine)
    const apps = await platform.store.apps.list()
    const states = await Promise.all(
      apps.map(async (app) => ({
        app: app.name,
        state: base === undefined ? undefined : await baseStateOf(platform, app, base),
      })),
    )
    return states.flatMap(({ app, state }) => (state === undefined ? [] : [{ app, state }]))
  },
  render: (apps) => table(apps.map(({ app, state }) => [app, meanings[state]])),
})

const meanings = {
  current: 'on the base of now',
  old: 'on an older base: paas base:update',
  foreign: 'on an image that is not ours',
  stuck: 'on an older base, and cannot be rebuilt: push it again',
}
