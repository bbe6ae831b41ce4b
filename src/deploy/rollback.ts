import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { nothingRuns } from './named-processes.ts'
import { rollOut } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/** What of the older release is taken: image and config, or one of them with the other as it is now. */
export type RollbackParts = 'all' | 'code' | 'config'

/**
 * Releases an older release's image and config again, as a new release through the same check and switch as
 * any other. Without a version it is the one that was live before. Throws NOT_FOUND where there is none, and
 * INVALID_INPUT for one that never was live.
 */
export async function rollBack(
  app: App,
  wanted: { version: number | undefined; parts: RollbackParts },
  context: DeployContext,
): Promise<{ version: number; from: number }> {
  return takeTurn(app, 'rollback', context, async (current, turn) => {
    const live = await liveRelease(turn, current)
    if (live === undefined) throw nothingRuns(current)
    const target = chooseTarget(await turn.platform.store.releases.list(current.id), live, wanted.version)
    const code = wanted.parts === 'config' ? live : target
    const values = wanted.parts === 'code' ? live : target
    await refuseMissingImage(code, turn)
    const draft = {
      app: current,
      image: code.image,
      config: values.config,
      ...(values.globalConfig && { globalConfig: values.globalConfig }),
      description: describe(target.version, wanted.parts),
      ...(code.commit !== undefined && { commit: code.commit }),
    }
    const { release } = await rollOut(draft, turn)
    return { version: release.version, from: target.version }
  })
}

/** Old images are removed in time; see deploy/retention.ts. */
async function refuseMissingImage({ image, version }: Release, { platform }: DeployContext): Promise<void> {
  if ((await platform.engine.images.inspect(image.tag)) !== undefined) return
  throw new PaasError('NOT_FOUND', `The image of v${version} is not kept any more.`, {
    hint: 'Push its commit again; how many images are kept is set by releases:set --keep.',
  })
}

/** Pure. The release to go back to: the one that is named, or the newest that was live before this one. */
export function chooseTarget(releases: Release[], live: Release, version: number | undefined): Release {
  if (version === undefined) {
    const before = releases
      .filter((release) => release.status === 'superseded' && release.version < live.version)
      .sort((a, b) => b.version - a.version)[0]
    if (before !== undefined) return before
    throw new PaasError('NOT_FOUND', `No release was live before v${live.version}.`, { hint: seeReleases })
  }
  const found = releases.find((release) => release.version === version)
  if (found === undefined) {
    throw new PaasError('NOT_FOUND', `There is no release v${version}.`, { hint: seeReleases })
  }
  if (found.status === 'active' || found.status === 'superseded') return found
  throw new PaasError('INVALID_INPUT', `v${version} was never live: it is ${found.status}.`, {
    hint: seeReleases,
  })
}

const seeReleases = 'What there is: paas releases'

function describe(version: number, parts: RollbackParts): string {
  return parts === 'all' ? `Rollback to v${version}` : `Rollback to the ${parts} of v${version}`
}
