import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type BuildPlan } from '../../build/plan.ts'
import { detect, planBuild } from '../../build/detect.ts'
import { type Source, spoolSource } from '../../build/source.ts'
import { liveRelease } from '../../deploy/turn.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { randomId } from '../../lib/ids.ts'
import { type App } from '../../model/app.ts'
import { type CommandContext, defineCommand } from '../define.ts'
import { details } from '../render.ts'

export const buildpacksDetect = defineCommand({
  name: 'buildpacks:detect',
  summary: 'show how a source would be built',
  description:
    'Looks at the live commit of an app (-a), or at a tar on stdin (git archive HEAD | …), and says which buildpack would build it, why, ' +
    'and what would run. With --print it prints the Dockerfile instead.',
  examples: [
    'paas buildpacks:detect -a blog',
    'paas buildpacks:detect < source.tar',
    'paas buildpacks:detect -a blog --print',
  ],
  access: 'read',
  app: 'optional',
  flags: { print: z.boolean().default(false).describe('print the Dockerfile that would be built') },
  result: z.object({
    builder: z.string(),
    why: z.string(),
    /** Every builder that recognises the source, the surest (of 100) first. */
    candidates: z.array(z.object({ builder: z.string(), sure: z.int(), why: z.string() })),
    processes: z.record(z.string(), z.string().nullable()),
    buildArgs: z.record(z.string(), z.string()),
    port: z.int().nullable(),
    warnings: z.array(z.string()),
    dockerfile: z.string(),
    print: z.boolean(),
  }),
  async run({ app, flags }, context) {
    const { platform } = context
    const buildpacks = await platform.buildpacks()
    return withSource(app, context, (source) => {
      const plan = planBuild(source, { buildpacks, ...app?.build })
      return { ...shown(plan), candidates: detect(source, buildpacks), print: flags.print }
    })
  },
  render: ({ print, dockerfile, builder, why, buildArgs, processes, port, warnings }) =>
    print
      ? dockerfile
      : details(builder, {
          because: why,
          arguments:
            Object.entries(buildArgs)
              .map(([name, value]) => `${name}=${value}`)
              .join(' ') || undefined,
          ...Object.fromEntries(
            Object.entries(processes).map(([type, command]) => [type, command ?? 'the image’s own command']),
          ),
          port: port === null ? undefined : String(port),
          warning: warnings.join('; ') || undefined,
        }),
})

const shown = ({ builder, why, processes, buildArgs, port, warnings, dockerfile }: BuildPlan) => ({
  builder,
  why,
  buildArgs,
  warnings,
  dockerfile,
  port: port ?? null,
  processes: Object.fromEntries(
    Object.entries(processes).map(([type, { command }]) => [type, command ?? null]),
  ),
})

/** Spools what is looked at for as long as it is looked at. */
async function withSource<T>(
  app: App | undefined,
  { platform, io }: CommandContext,
  look: (source: Source) => T,
): Promise<T> {
  const folder = join(platform.paths.builds, randomId('d'))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const tar = app === undefined ? io.stdin() : platform.archive(app, await liveCommit(app, platform))
    return look(await spoolSource(tar, join(folder, 'source.tar')))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function liveCommit(app: App, platform: CommandContext['platform']): Promise<string> {
  const release = await liveRelease({ platform }, app)
  if (release?.commit !== undefined) return release.commit
  throw new PaasError('NOT_FOUND', `${app.name} has no release that was built from a commit.`, {
    hint: 'git archive HEAD | paas buildpacks:detect',
  })
}
