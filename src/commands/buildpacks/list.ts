import { z } from 'zod'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'

export const buildpacksList = defineCommand({
  name: 'buildpacks:list',
  aliases: ['buildpacks'],
  summary: 'list what images are built with',
  description: 'Lists every buildpack; with -a, the ones that an app was told to use, if any.',
  examples: ['paas buildpacks', 'paas buildpacks -a blog'],
  access: 'read',
  app: 'optional',
  result: z.array(z.object({ name: z.string(), summary: z.string(), versions: z.array(z.string()) })),
  async run({ app }, { platform }) {
    const known = (await platform.buildpacks()).map(({ manifest: { name, summary, versions } }) => ({
      name,
      summary,
      versions: versions?.have ?? [],
    }))
    const all = [...known, { name: 'dockerfile', summary: "an app's own Dockerfile", versions: [] }]
    if (app === undefined) return all
    const chosen = app.build?.chosen ?? []
    return chosen.flatMap((name) => all.filter((one) => one.name === name))
  },
  render: (buildpacks) =>
    buildpacks.length === 0
      ? 'The buildpack is found by what is in the source.\n'
      : table(buildpacks.map(({ name, summary, versions }) => [name, versions.join(', '), summary])),
})
