import { z } from 'zod'
import { PaasError } from '../errors/paas-error.ts'
import { Check } from '../model/check.ts'
import { ConfigName, ProcessType } from '../model/names.ts'
import { sizeBytes } from './size.ts'

const EnvObject = z.object({
  description: z.string().optional(),
  value: z.string().optional(),
  required: z.boolean().default(true),
  generator: z.literal('secret').optional(),
  sync: z.boolean().default(false),
})
const EnvEntry = z.union(
  [
    z.string().transform((value) => ({ value, required: true, generate: false, sync: false })),
    EnvObject.transform(({ value, required, generator, sync }) => ({
      value,
      required,
      generate: generator === 'secret',
      sync,
    })),
  ],
  'a var is a string, or an object of description, value, required (true, false), generator ("secret") and sync (true, false)',
)
/**
 * A config var that app.json asks for. `generate`: a random secret is made on the first deploy; `sync`: set on
 * every deploy, not only the first; `required` without a value: the deploy stops until somebody sets it.
 */
export type EnvEntry = z.output<typeof EnvEntry>

const FormationEntry = z.object({
  quantity: z.int().min(0).max(100).optional(),
  /** What one container may use, on the app's first release. */
  size: z
    .string()
    .refine(
      (size) => (sizeBytes(size) ?? 0) >= 16 * 1024 ** 2,
      'a size is an amount of memory of at least 16m, as 512m or 1g, or a dyno size of Heroku, as standard-1x',
    )
    .transform((size) => sizeBytes(size)!)
    .optional(),
})

const CronEntry = z.object({
  command: z.string().min(1),
  schedule: z.string().min(1),
  /** What logs and commands call it; without one it is named by what it does. */
  name: z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
      'a name has lower-case letters, digits and hyphens, at most 40',
    )
    .optional(),
  concurrency_policy: z.enum(['allow', 'forbid', 'replace']).optional(),
  /** IANA name; UTC without one. */
  timezone: z.string().optional(),
  /** Seconds. */
  timeout: z.int().min(1).max(86_400).optional(),
  /** Runs that were due while the server was down: one is made up for, or none. */
  missed: z.enum(['run', 'skip']).optional(),
  maintenance: z.boolean().optional(),
})

const DeployScripts = z.object({
  /** Run in the built image before the release is switched to. */
  predeploy: z.string().min(1).optional(),
  /** Run once, after the app's first deploy. */
  postdeploy: z.string().min(1).optional(),
})
const Scripts = DeployScripts.extend({ dokku: DeployScripts.optional() })

const Buildpack = z.object({ url: z.string().min(1) })

/** app.json as Heroku and Dokku have it; keys that only describe an app to people are accepted and not used. */
const AppJson = z.object({
  env: z.record(ConfigName, EnvEntry).default({}),
  formation: z.record(ProcessType, FormationEntry).default({}),
  healthchecks: z.record(ProcessType, z.array(Check)).default({}),
  scripts: Scripts.default({}),
  cron: z.array(CronEntry).default([]),
  buildpacks: z.array(Buildpack).default([]),
})
type ParsedAppJson = z.output<typeof AppJson>

export type AppJson = {
  env: Record<ConfigName, EnvEntry>
  /** Process type → quantity, for those that give one. */
  formation: Record<ProcessType, number>
  /** Process type → bytes of memory, for those that give a size. */
  sizes: Record<ProcessType, number>
  checks: Record<ProcessType, Check[]>
  scripts: { predeploy?: string; postdeploy?: string }
  cron: ParsedAppJson['cron']
  /** URLs or names, in order. */
  buildpacks: string[]
  warnings: string[]
}

const describing = ['name', 'description', 'keywords', 'website', 'repository', 'logo', 'success_url']
const ofHeroku = ['addons', 'environments', 'stack', 'image', '$schema', 'region']

/** Parses app.json; undefined text (no file) gives the empty one. Unknown keys become warnings. */
export function parseAppJson(text: string | undefined): AppJson {
  const raw = text === undefined ? {} : parseJson(text, 'app.json')
  const parsed = AppJson.safeParse(raw)
  if (!parsed.success) throw shapeError('app.json', parsed.error)
  const { env, formation, healthchecks, scripts, cron, buildpacks } = parsed.data
  return {
    env,
    formation: given(formation, 'quantity'),
    sizes: given(formation, 'size'),
    checks: healthchecks,
    scripts: mergeScripts(scripts),
    cron,
    buildpacks: buildpacks.map(({ url }) => url),
    warnings: unknownKeys(raw),
  }
}

function mergeScripts(scripts: ParsedAppJson['scripts']): AppJson['scripts'] {
  const predeploy = scripts.dokku?.predeploy ?? scripts.predeploy
  const postdeploy = scripts.dokku?.postdeploy ?? scripts.postdeploy
  return { ...(predeploy !== undefined && { predeploy }), ...(postdeploy !== undefined && { postdeploy }) }
}

/** One number of each entry that has it. */
function given(formation: ParsedAppJson['formation'], key: 'quantity' | 'size'): Record<ProcessType, number> {
  const entries = Object.entries(formation).flatMap(([type, entry]) =>
    entry[key] === undefined ? [] : [[type, entry[key]] as const],
  )
  return Object.fromEntries(entries)
}

/** What is in it that nobody reads; its shape is known to be right. */
function unknownKeys(raw: unknown): string[] {
  const known = (schema: z.ZodObject): string[] => Object.keys(schema.shape)
  const { env, formation, healthchecks, scripts, cron, buildpacks } = raw as z.input<typeof AppJson>
  const found = [
    ...strangers('', raw, [...known(AppJson), ...describing, ...ofHeroku]),
    ...inEach('env', env, known(EnvObject)),
    ...inEach('formation', formation, known(FormationEntry)),
    ...Object.entries(healthchecks ?? {}).flatMap(([type, list]) =>
      list.flatMap((check) => strangers(`healthchecks.${type}.`, check, known(Check))),
    ),
    ...strangers('scripts.', scripts, known(Scripts)),
    ...strangers('scripts.dokku.', scripts?.dokku, known(DeployScripts)),
    ...inEach('cron', cron, known(CronEntry)),
    ...inEach('buildpacks', buildpacks, known(Buildpack)),
  ]
  const both = Object.entries(healthchecks ?? {}).flatMap(([type, list]) =>
    list.some(({ path, command }) => path !== undefined && command !== undefined) ? [type] : [],
  )
  return [
    ...[...new Set(found)].map((key) => `app.json: ${key} is not known and has no effect`),
    ...both.map((type) => `app.json: healthchecks.${type} has a path beside a command, which alone counts`),
  ]
}

const inEach = (path: string, entries: object | undefined, known: string[]): string[] =>
  Object.entries(entries ?? {}).flatMap(([name, value]) => strangers(`${path}.${name}.`, value, known))

const strangers = (path: string, value: unknown, known: string[]): string[] =>
  typeof value === 'object' && value !== null
    ? Object.keys(value)
        .filter((key) => !known.includes(key))
        .map((key) => `${path}${key}`)
    : []

/** Parses JSON of a file in the source; a syntax error names the file, line and column. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown
  } catch (error) {
    throw new PaasError('SOURCE_REFUSED', `${file} is not valid JSON: ${(error as Error).message}.`, {
      hint: `Correct ${file}, commit and push again.`,
      cause: error,
    })
  }
}

/** One PaasError for a file of the source that does not have its shape: each line names the path. */
export function shapeError(file: string, error: z.ZodError): PaasError {
  const lines = error.issues.map((issue) => {
    const path = issue.path.map(String).join('.')
    // What is wrong with a key is told one level down.
    const { message } = issue.code === 'invalid_key' ? (issue.issues[0] ?? issue) : issue
    return `${file}${path === '' ? '' : ` ${path}`}: ${message}`
  })
  return new PaasError('SOURCE_REFUSED', lines.join('\n'), {
    hint: `Correct ${file}, commit and push again.`,
  })
}
