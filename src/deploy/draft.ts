import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { own } from '../lib/own.ts'
import { type BuildPlan } from '../build/plan.ts'
import { type App } from '../model/app.ts'
import { type Image, type SealedConfig } from '../model/release.ts'
import { type Secrets } from '../store/secrets.ts'
import { type Planned } from './build-and-release.ts'
import { type Draft } from './stages.ts'

/** What a push releases: the image, the app's config with what app.json adds to it, the formation it asks for. */
export function draftFrom(
  { app, commit, branch, description, plan }: Planned,
  image: Image,
  config: SealedConfig,
  secrets: Secrets,
): Draft {
  return {
    app,
    change: { ...firstShape(app, plan), ...(branch !== undefined && { branch }) },
    image,
    config: { ...config, ...wantedConfig(app, plan.env, config, secrets) },
    description,
    ...(commit !== undefined && { commit }),
  }
}

/** app.json's formation and sizes count on the first release; after that what was scaled and set stays. */
export function firstShape(
  app: Pick<App, 'currentRelease' | 'formation' | 'limits'>,
  plan: Pick<BuildPlan, 'formation' | 'sizes'>,
): Pick<App, 'formation'> & Partial<Pick<App, 'limits'>> {
  if (app.currentRelease !== undefined) return { formation: app.formation }
  const asked = Object.entries(plan.sizes).map(
    ([type, memoryBytes]) => [type, { memoryBytes, ...own(app.limits ?? {}, type) }] as const,
  )
  return {
    formation: { ...plan.formation, ...app.formation },
    ...(asked.length > 0 && { limits: { ...app.limits, ...Object.fromEntries(asked) } }),
  }
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
