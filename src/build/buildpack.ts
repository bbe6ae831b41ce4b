import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { ConfigName, ProcessType } from '../model/names.ts'
import { Probe } from './probe.ts'

const Argument = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'a build argument is in upper case')
const name = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a buildpack name has lower-case letters and hyphens')

/** Which version of the language an app gets; see version.ts for how a wish is read. */
const Versions = z.strictObject({
  /** The language's name for people. */
  of: z.string(),
  arg: Argument,
  /** Where an app says what it wants; the first answer counts. */
  wanted: z.array(Probe),
  /** How a wish is written: npm ranges, PEP 440, RubyGems, or a least version (go.mod). */
  syntax: z.enum(['npm', 'pep440', 'gem', 'composer', 'minimum']),
  /** Versions of the Debian base, best first. */
  have: z.array(z.string().regex(/^\d+(\.\d+){0,2}$/)).min(1),
  /** True: another version is taken from the language's registry during the build; the wish is passed on. */
  others: z.boolean().default(false),
})
export type Versions = z.infer<typeof Versions>

const Notice = z.strictObject({ when: Probe, message: z.string(), hint: z.string().optional() })

/** `buildpack.json`: all that is known about a kind of app before its Dockerfile runs. */
export const BuildpackManifest = z.strictObject({
  $schema: z.string().optional(),
  name,
  summary: z.string(),
  /** Any one probe that answers detects the app; `sure` (1 to 100) decides between buildpacks. */
  detect: z.array(z.strictObject({ when: Probe, sure: z.int().min(1).max(100) })).min(1),
  /** Build arguments that name the images it stands on; all give way to `base:set`. */
  bases: z.array(Argument).default(['PAAS_BASE']),
  versions: Versions.optional(),
  /**
   * Paths that decide about dependencies (`*` within a name, `**` for all below); the build context has them in
   * `manifests/<buildpack>/` as well, so that a Dockerfile can install before it copies the source.
   */
  manifests: z.array(z.string()).default([]),
  /** Build argument → the probes whose first answer is its value. */
  args: z.record(Argument, z.array(Probe)).default({}),
  /** Process type → commands; the first whose `when` answers, used where there is no Procfile. */
  processes: z
    .record(ProcessType, z.array(z.strictObject({ when: Probe.optional(), command: z.string().min(1) })))
    .default({}),
  /** Another buildpack that builds before this one (assets), where its probe answers. */
  after: z.array(z.strictObject({ buildpack: name, when: Probe })).default([]),
  /** Config vars that such an app needs; `generate`: a random secret on the first deploy. */
  env: z
    .array(
      z.strictObject({
        name: ConfigName,
        value: z.string().optional(),
        generate: z.boolean().default(false),
        when: Probe.optional(),
      }),
    )
    .default([]),
  warn: z.array(Notice).default([]),
  refuse: z.array(Notice).default([]),
})
export type BuildpackManifest = z.infer<typeof BuildpackManifest>

/** A file that the buildpack's Dockerfile finds in the folder `<buildpack>/` of its build context. */
export type ContextFile = { path: string; content: Buffer; mode: number }

export type Buildpack = {
  manifest: BuildpackManifest
  dockerfile: string
  files: ContextFile[]
}

/** Reads every folder in `folders`' folders (later ones win by name); a broken one is an error that names it. */
export async function loadBuildpacks(folders: readonly string[]): Promise<Buildpack[]> {
  const byName = new Map<string, Buildpack>()
  for (const folder of folders) {
    for (const entry of await foldersIn(folder)) {
      const buildpack = await loadBuildpack(join(folder, entry))
      byName.set(buildpack.manifest.name, buildpack)
    }
  }
  return [...byName.values()].sort((a, b) => a.manifest.name.localeCompare(b.manifest.name))
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  return entries.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? [entry.name] : []))
}

/** Reads and checks one buildpack: `buildpack.json`, `Dockerfile`, and the files they use. */
export async function loadBuildpack(folder: string): Promise<Buildpack> {
  const manifest = await readManifest(join(folder, 'buildpack.json'))
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
  const files = await Promise.all(
    paths.toSorted().map(async (path) => ({
      path: path.slice(folder.length + 1),
      content: await readFile(path),
      // Scripts are run through their interpreter, so one mode for all keeps images reproducible.
      mode: 0o644,
    })),
  )
  const dockerfile = files.find(({ path }) => path === 'Dockerfile')
  if (dockerfile === undefined) throw broken(folder, 'there is no Dockerfile')
  return {
    manifest,
    dockerfile: dockerfile.content.toString('utf8'),
    files: files.filter(({ path }) => path !== 'Dockerfile' && path !== 'buildpack.json'),
  }
}

async function readManifest(file: string): Promise<BuildpackManifest> {
  try {
    return BuildpackManifest.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    throw broken(file, error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error))
  }
}

const broken = (where: string, reason: string): PaasError =>
  new PaasError('BUILDPACK_INVALID', `${where}: ${reason}`, { hint: 'Its shape is in docs/buildpacks.md.' })
