import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { own } from '../lib/own.ts'
import { type BuildPlan } from '../build/plan.ts'
import { type About } from '../docker/engine.ts'
import { type App } from '../model/app.ts'
import { type Image, type SealedConfig } from '../model/release.ts'
import { type Secrets } from '../store/secrets.ts'
import { type Planned } from './build-and-release.ts'
import { type Draft } from './stages.ts'

/**
 * What a push releases: the image, the app's config with what app.json adds to it, the formation it asks for. Throws
 * SOURCE_REFUSED where config is missing.
 */
export function draftFrom(
  planned: Planned,
  image: Image,
  { config, globalConfig }: { config: SealedConfig; globalConfig: SealedConfig },
  secrets: Secrets,
): Draft {
  const { app, commit, branch, description, plan } = planned
  const set = { ...globalConfig, ...config }
  refuseMissing(planned, set)
  return {
    app,
    change: { ...firstShape(app, plan), ...(branch !== undefined && { branch }) },
    image,
    config: { ...config, ...wantedConfig(app, plan.env, set, secrets) },
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

/** Throws SOURCE_REFUSED where app.json requires a config var that nobody has set, and that it gives no value. */
export function refuseMissing(
  { app, plan: { env } }: Pick<Planned, 'app' | 'plan'>,
  set: SealedConfig,
): void {
  const missing = Object.entries(env).flatMap(([name, { value, required, generate }]) =>
    required && value === undefined && !generate && !Object.hasOwn(set, name) ? [name] : [],
  )
  if (missing.length === 0) return
  throw new PaasError(
    'SOURCE_REFUSED',
    `app.json requires ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not set.`,
    {
      hint: `paas config:set -a ${app.name} ${missing.map((name) => `${name}=…`).join(' ')}`,
    },
  )
}

/** Throws SOURCE_REFUSED where app.json asks for more memory than the server has, on the release that it counts for. */
export function refuseSizes(
  { app, plan }: Pick<Planned, 'app' | 'plan'>,
  machine: Pick<About, 'memoryBytes'>,
): void {
  const { limits = {} } = firstShape(app, plan)
  for (const type of Object.keys(plan.sizes)) {
    if ((own(limits, type)?.memoryBytes ?? 0) <= (machine.memoryBytes ?? Infinity)) continue
    const mebibytes = Math.floor(machine.memoryBytes! / 1024 ** 2)
    throw new PaasError(
      'SOURCE_REFUSED',
      `app.json gives ${type} more memory than the server has, which is ${mebibytes} MiB.`,
      {
        hint: `A smaller size there, or one that counts before it: paas ps:type -a ${app.name} ${type}=512m`,
      },
    )
  }
}

/** The values that app.json gives: each where nothing is set, unless it is to be kept in sync; secrets are made up. */
function wantedConfig(app: App, env: BuildPlan['env'], set: SealedConfig, secrets: Secrets): SealedConfig {
  const added: SealedConfig = {}
  for (const [name, { value, generate, sync }] of Object.entries(env)) {
    const isSet = Object.hasOwn(set, name)
    if (isSet && !sync) continue
    const given = value ?? (generate && !isSet ? randomHex(32) : undefined)
    if (given !== undefined) added[name] = secrets.seal(app.id, name, given)
  }
  return added
}
