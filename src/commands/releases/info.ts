import { z } from 'zod'
import { diffReleases } from '../../deploy/diff.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { ReleaseStatus } from '../../model/release.ts'
import { defineCommand } from '../define.ts'
import { version } from '../fields.ts'
import { details } from '../render.ts'
import { renderDiff, ShownDiff, shownDiff } from './shown-diff.ts'

export const releasesInfo = defineCommand({
  name: 'releases:info',
  summary: 'show what a release is made of',
  description:
    'Shows a release: image, config vars (names only), process types, what changed by it, how long each stage took. ' +
    'Without a version, the live one.',
  examples: ['paas releases:info -a blog', 'paas releases:info -a blog v12'],
  access: 'read',
  app: 'required',
  args: { version: version.optional().describe('v12, or 12') },
  result: z.object({
    app: z.string(),
    version: z.int(),
    status: ReleaseStatus,
    reason: z.string().nullable(),
    description: z.string(),
    createdAt: z.string(),
    createdBy: z.string(),
    commit: z.string().nullable(),
    builder: z.string(),
    image: z.string(),
    /** Process type → its command; null: the image's own. */
    processes: z.record(z.string(), z.string().nullable()),
    port: z.int(),
    config: z.array(z.string()),
    /** Id of the build that made its image. */
    build: z.string(),
    /** Stage of its deploy → seconds. */
    stages: z.record(z.string(), z.number()),
    /** What differs from the release before it. */
    diff: ShownDiff,
  }),
  async run({ app, args }, { platform }) {
    const wanted = args.version ?? app.currentRelease
    const release = wanted === undefined ? undefined : await platform.store.releases.get(app.id, wanted)
    if (release === undefined) {
      throw new PaasError(
        'NOT_FOUND',
        wanted === undefined ? `${app.name} has no release yet.` : `There is no release v${wanted}.`,
        { hint: wanted === undefined ? 'git push paas main' : `What there is: paas releases -a ${app.name}` },
      )
    }
    const { image, config, reason, commit, ...facts } = release
    return {
      app: app.name,
      version: facts.version,
      status: facts.status,
      reason: reason ?? null,
      description: facts.description,
      createdAt: facts.createdAt,
      createdBy: facts.createdBy,
      commit: commit ?? null,
      builder: image.builder,
      image: image.id,
      processes: Object.fromEntries(
        Object.entries(image.processes).map(([type, { command }]) => [type, command ?? null]),
      ),
      port: image.port,
      config: Object.keys(config).sort(),
      build: image.tag.split(':')[1] ?? '',
      stages: facts.stages ?? {},
      diff: shownDiff(diffReleases(await platform.store.releases.get(app.id, facts.version - 1), release)),
    }
  },
  render: (release) =>
    details(`v${release.version}: ${release.description}`, {
      status: release.reason === null ? release.status : `${release.status}: ${release.reason}`,
      by: release.createdBy,
      at: release.createdAt,
      commit: release.commit ?? undefined,
      image: `${release.image} (${release.builder})`,
      config: release.config.join(', ') || undefined,
      ...Object.fromEntries(
        Object.entries(release.processes).map(([type, command]) => [
          type,
          command ?? "the image's own command",
        ]),
      ),
      build: `${release.build}: paas builds:log -a ${release.app} ${release.build}`,
      took:
        Object.entries(release.stages)
          .map(([stage, seconds]) => `${stage} ${seconds.toFixed(1)} s`)
          .join(', ') || undefined,
    }) + indented(renderDiff(release.diff)),
})

const indented = (text: string): string => (text === '' ? '' : `changes:\n${text.replace(/^(?=.)/gm, '  ')}`)
