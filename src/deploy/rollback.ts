import { isDeepStrictEqual } from 'node:util'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Release, type SealedConfig } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { compare } from './diff.ts'
import { nothingRuns } from './named-processes.ts'
import { rollOut } from './roll-out.ts'
import { liveRelease, takeTurn } from './turn.ts'

/** What of the older release is taken: image, and config with settings; or one of them, with the other as it is now. */
export type RollbackParts = 'all' | 'code' | 'config'

/**
 * Releases an older release's image and config again, as a new release through the same check and switch as
 * any other, unless that is what is live. Without a version it is the one that was live before. Throws NOT_FOUND where
 * there is none, and INVALID_INPUT for one that never was live.
 */
export async function rollBack(
  app: App,
  wanted: { version: number | undefined; parts: RollbackParts },
  context: DeployContext,
): Promise<{ version: number; from: number; changed: boolean }> {
  return takeTurn(app, 'rollback', context, async (current, turn) => {
    const live = await liveRelease(turn, current)
    if (live === undefined) throw nothingRuns(current)
    const target = chooseTarget(
      await turn.platform.store.releases.list(current.id),
      live,
      wanted.version,
      current.name,
    )
    const code = wanted.parts === 'config' ? live : target
    const staged = await turn.platform.store.apps.config(current.id)
    const values = wanted.parts === 'code' ? undefined : target
    if (wanted.parts === 'all' && isSame(target, { ...live, config: staged })) {
      return { version: live.version, from: target.version, changed: false }
    }
    await refuseMissingImage(current, code, turn)
    if (values !== undefined) tellGivenUp(staged, live.config, turn)
    const draft = {
      app: current,
      ...(values?.settings && { change: values.settings }),
      image: code.image,
      config: values?.config ?? staged,
      ...(values?.globalConfig && { globalConfig: values.globalConfig }),
      description: describe(target.version, wanted.parts),
      ...(code.commit !== undefined && { commit: code.commit }),
    }
    const { release } = await rollOut(draft, turn)
    return { version: release.version, from: target.version, changed: true }
  })
}

/** Whether two releases run the same. What stayed the same is sealed as it was. */
const isSame = (one: Release, other: Release): boolean => isDeepStrictEqual(contentOf(one), contentOf(other))

const contentOf = ({ image, config, globalConfig = {}, settings }: Release): unknown[] => [
  image,
  config,
  globalConfig,
  settings,
]

/** Old images are removed in time; see deploy/retention.ts. */
async function refuseMissingImage(
  { name }: App,
  { image, version, commit }: Release,
  { platform }: DeployContext,
): Promise<void> {
  if ((await platform.engine.images.inspect(image.tag)) !== undefined) return
  throw new PaasError('NOT_FOUND', `The image of v${version} is not kept any more.`, {
    hint:
      (commit === undefined
        ? ''
        : `Build its commit again: paas deploy -a ${name} ${commit.slice(0, 10)}\n`) +
      `More images are kept with: paas releases:set -a ${name} --keep NUMBER`,
  })
}

/** Pure. The release to go back to: the one that is named, or the newest that was live before this one. */
export function chooseTarget(
  releases: Release[],
  live: Release,
  version: number | undefined,
  app: string,
): Release {
  const hint = `What there is: paas releases -a ${app}`
  if (version === undefined) {
    const before = releases
      .filter((release) => release.status === 'superseded' && release.version < live.version)
      .sort((a, b) => b.version - a.version)[0]
    if (before !== undefined) return before
    throw new PaasError('NOT_FOUND', `No release was live before v${live.version}.`, { hint })
  }
  const found = releases.find((release) => release.version === version)
  if (found === undefined) {
    throw new PaasError('NOT_FOUND', `There is no release v${version}.`, { hint })
  }
  if (found.status === 'active' || found.status === 'superseded') return found
  throw new PaasError('INVALID_INPUT', `v${version} was never live: it is ${found.status}.`, {
    hint,
  })
}

/** What was set for the next release only goes, as all config goes back. */
function tellGivenUp(staged: SealedConfig, live: SealedConfig, { report }: DeployContext): void {
  const names = compare(live, staged).map(({ name }) => name)
  if (names.length === 0) return
  report({ type: 'warning', text: `${names.join(', ')}: what was set with --no-restart is given up.` })
}

function describe(version: number, parts: RollbackParts): string {
  return parts === 'all' ? `Rollback to v${version}` : `Rollback to the ${parts} of v${version}`
}
