import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { type BuildPlan } from '../build/plan.ts'
import { type App } from '../model/app.ts'
import { type Image, type SealedConfig } from '../model/release.ts'
import { type Secrets } from '../store/secrets.ts'
import { type Planned } from './push.ts'
import { type Draft } from './stages.ts'

/** What a push releases: the image, the app's config with what app.json adds to it, the formation it asks for. */
export function draftFrom(
  { app, commit, plan }: Planned,
  image: Image,
  config: SealedConfig,
  secrets: Secrets,
): Draft {
  return {
    app,
    change: { formation: firstFormation(app, plan) },
    image,
    config: { ...config, ...wantedConfig(app, plan.env, config, secrets) },
    description: `Deploy ${commit.slice(0, 8)}`,
    commit,
  }
}

/** app.json's formation counts on the first release; after that what was scaled stays. */
export function firstFormation(app: App, plan: BuildPlan): App['formation'] {
  return app.currentRelease === undefined ? { ...plan.formation, ...app.formation } : app.formation
}

/** The values that app.json gives: each once, unless it is to be kept in sync; secrets are made up. */
function wantedConfig(app: App, env: BuildPlan['env'], config: SealedConfig, secrets: Secrets): SealedConfig {
  const added: SealedConfig = {}
  const missing: string[] = []
  for (const [name, { value, required, generate, sync }] of Object.entries(env)) {
    if (Object.hasOwn(config, name) && !sync) continue
    const given = value ?? (generate && !Object.hasOwn(config, name) ? randomHex(32) : undefined)
    if (given !== undefined) added[name] = secrets.seal(app.id, name, given)
    else if (required && !Object.hasOwn(config, name)) missing.push(name)
  }
  if (missing.length === 0) return added
  throw new PaasError(
    'SOURCE_REFUSED',
    `app.json requires ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not set.`,
    {
      hint: `paas config:set -a ${app.name} ${missing.map((name) => `${name}=…`).join(' ')}`,
    },
  )
}
