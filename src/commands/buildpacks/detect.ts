import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable } from 'node:stream'
import { z } from 'zod'
import { type BuildPlan } from '../../build/plan.ts'
import { detect, planBuild } from '../../build/detect.ts'
import { type Source, spoolSource } from '../../build/source.ts'
import { planOptionsOf } from '../../deploy/plan-options.ts'
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
    'Looks at a folder, the one that you are in where none is named, and says which buildpack would build it, why, and ' +
    'what would run. - takes a tar from stdin instead, and --live the live commit of an app. What an app has been told ' +
    'about its builds counts (-a). With --print it prints the Dockerfile instead.',
  examples: [
    'paas buildpacks:detect',
    'paas buildpacks:detect ../shop --print',
    'paas buildpacks:detect -a blog --live',
    'paas buildpacks:detect - < source.tar',
  ],
  access: 'read',
  app: 'known',
  args: { dir: z.string().min(1).default('.').describe('a folder of yours; - for a tar on stdin') },
  flags: {
    print: z.boolean().default(false).describe('print the Dockerfile that would be built'),
    live: z.boolean().default(false).describe('look at the live commit of the app'),
  },
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
  async run({ app, args, flags }, context) {
    const { platform, io } = context
    const options = await planOptionsOf(app, platform)
    const archive = async (): Promise<Readable> => {
      if (flags.live) return platform.archive(needed(app), await liveCommit(needed(app), platform))
      return args.dir === '-' ? io.stdin() : io.folder(args.dir)
    }
    return withSource(archive, context, (source) => {
      const plan = planBuild(source, options)
      return { ...shown(plan), candidates: detect(source, options.buildpacks), print: flags.print }
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
  archive: () => Promise<Readable>,
  { platform }: CommandContext,
  look: (source: Source) => T,
): Promise<T> {
  const folder = join(platform.paths.builds, randomId('d'))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    return look(await spoolSource(await archive(), join(folder, 'source.tar')))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function needed(app: App | undefined): App {
  if (app !== undefined) return app
  throw new PaasError('INVALID_INPUT', '--live needs an app.', { hint: 'Name it: -a APP' })
}

async function liveCommit(app: App, platform: CommandContext['platform']): Promise<string> {
  const release = await liveRelease({ platform }, app)
  if (release?.commit !== undefined) return release.commit
  throw new PaasError('NOT_FOUND', `${app.name} has no release that was built from a commit.`, {
    hint: 'In its clone: paas buildpacks:detect',
  })
}
