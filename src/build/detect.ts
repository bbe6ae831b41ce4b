import { PaasError } from '../errors/paas-error.ts'
import { ProcessType } from '../model/names.ts'
import { type Process } from '../model/release.ts'
import { parseAppJson, type AppJson } from './app-json.ts'
import { baseImage } from './base-image.ts'
import { type Buildpack, type ContextFile } from './buildpack.ts'
import { composeDockerfiles } from './compose.ts'
import { checkDockerfile, checkImageName, runtimeOf } from './dockerfile.ts'
import { withFixedTimes } from './fixed-times.ts'
import { type BuildPlan, defaultPort } from './plan.ts'
import { ask, firstAnswer } from './probe.ts'
import { parseProcfile } from './procfile.ts'
import { type Source } from './source.ts'
import { chooseVersion } from './version.ts'

export type PlanOptions = {
  buildpacks: readonly Buildpack[]
  /** Builders chosen by `buildpacks:set`, in order; undefined or empty: detected. */
  chosen?: readonly string[] | undefined
  /** A classic Heroku buildpack, from the config var BUILDPACK_URL. */
  buildpackUrl?: string | undefined
  /** A base image instead of ours, chosen by `base:set`. */
  base?: string | undefined
  /** Path of the app's own Dockerfile, chosen by `dockerfile:set`; undefined: `Dockerfile`, where there is one. */
  dockerfile?: string | undefined
  /** Stage of it that becomes the image, and arguments for it. */
  target?: string | undefined
  buildArgs?: Readonly<Record<string, string>> | undefined
}

/** One builder that could build a source. */
export type Candidate = { builder: string; sure: number; why: string }

/** Decides how a source is built and what its processes are. Pure: it reads the source's index and texts only. */
export function planBuild(source: Source, options: PlanOptions): BuildPlan {
  const app = parseAppJson(source.text('app.json'))
  const procfile = source.text('Procfile')
  const processes = procfile === undefined ? undefined : parseProcfile(procfile)
  const { builders, why, classic } = chooseBuilders(source, options, app)
  const built =
    builders[0] === 'dockerfile'
      ? planDockerfile(source, options, processes)
      : planBuildpacks(source, options, builders, processes)
  if (classic !== undefined) built.files.push(classic)
  return {
    builder: builders.join('+'),
    why,
    ...built,
    ignore: ignoreLines(source, built.dockerfilePath),
    checks: app.checks,
    formation: app.formation,
    sizes: app.sizes,
    // What the app itself says comes after what its buildpack knows.
    env: { ...built.env, ...app.env },
    scripts: app.scripts,
    cron: app.cron,
    warnings: [
      ...source.warnings,
      ...app.warnings,
      ...built.warnings,
      ...strangers('formation', app.formation, built.processes),
      ...strangers('healthchecks', app.checks, built.processes),
    ],
  }
}

/** Every builder that recognises the source, the surest first. */
export function detect(source: Source, buildpacks: readonly Buildpack[]): Candidate[] {
  const candidates = buildpacks.flatMap(({ manifest }): Candidate[] => {
    const found = manifest.detect
      .flatMap(({ when, sure }) => {
        const answer = ask(source, when)
        return answer === undefined ? [] : [{ builder: manifest.name, sure, why: answer.why }]
      })
      .toSorted((a, b) => b.sure - a.sure)
    return found.slice(0, 1)
  })
  if (hasDockerfile(source)) candidates.push({ builder: 'dockerfile', sure: 100, why: 'Dockerfile' })
  return candidates.toSorted((a, b) => b.sure - a.sure || a.builder.localeCompare(b.builder))
}

const hasDockerfile = (source: Source): boolean =>
  source.entries.some(({ path, type }) => path === 'Dockerfile' && type === 'file')

/** A Dockerfile may have an ignore file of its own, which then stands in for the common one. */
function ignoreLines(source: Source, dockerfile: string): string {
  const common = ['.dockerignore', '.slugignore'].map((file) => source.text(file) ?? '').join('\n')
  return source.text(`${dockerfile}.dockerignore`) ?? common
}

type Choice = {
  builders: string[]
  why: string
  /** The list of classic Heroku buildpacks, where it is not the source's own. */
  classic?: ContextFile
}

function chooseBuilders(source: Source, options: PlanOptions, app: AppJson): Choice {
  const { chosen = [], buildpackUrl } = options
  if (chosen.length > 0) return { ...named(chosen, options), why: 'buildpacks:set' }
  if (buildpackUrl !== undefined) return { ...named([buildpackUrl], options), why: 'BUILDPACK_URL' }
  if (app.buildpacks.length > 0) return { ...named(app.buildpacks, options), why: 'app.json buildpacks' }
  if (options.dockerfile !== undefined) return { builders: ['dockerfile'], why: options.dockerfile }
  // Who wrote a Dockerfile has said how; nothing else of the source needs to be understood.
  if (hasDockerfile(source)) return { builders: ['dockerfile'], why: 'Dockerfile' }
  const [first, second] = detect(source, options.buildpacks)
  if (first === undefined) throw nothingDetected(source, options.buildpacks)
  if (second !== undefined && second.sure === first.sure)
    throw refused(
      `The source could be ${first.builder} (${first.why}) or ${second.builder} (${second.why}).`,
      `Choose with paas buildpacks:set ${first.builder}, or both in order: ${first.builder} ${second.builder}`,
    )
  const main = options.buildpacks.find(({ manifest }) => manifest.name === first.builder)
  const before = (main?.manifest.after ?? []).filter(({ when }) => ask(source, when) !== undefined)
  return { builders: [...before.map(({ buildpack }) => buildpack), first.builder], why: first.why }
}

/** Builders by name, or, where one is a URL or a folder of the source, all of them as classic Heroku buildpacks. */
function named(list: readonly string[], options: PlanOptions): Omit<Choice, 'why'> {
  const names = list.map(buildpackName)
  if (!names.some((name) => name.includes('/')))
    return { builders: names.map((name) => known(name, options)) }
  const lines = list.map((one) => one.replace(/^heroku\//, 'https://github.com/heroku/heroku-buildpack-'))
  const odd = lines.find((line) => /\s/.test(line))
  if (odd !== undefined) throw refused(`${JSON.stringify(odd)} is neither a git URL nor a folder.`)
  const content = Buffer.from(`${lines.join('\n')}\n`)
  return { builders: [known('heroku', options)], classic: { path: 'heroku/list', content, mode: 0o644 } }
}

/** `heroku/nodejs` and `https://github.com/heroku/heroku-buildpack-nodejs` are our node. */
function buildpackName(url: string): string {
  const name = /^(?:heroku\/|https:\/\/github\.com\/heroku\/heroku-buildpack-)([a-z-]+?)(?:\.git)?$/.exec(
    url,
  )?.[1]
  return name === 'nodejs' ? 'node' : (name ?? url)
}

function known(name: string, { buildpacks, chosen }: PlanOptions): string {
  if (name === 'dockerfile' && (chosen?.length ?? 1) === 1) return name
  if (buildpacks.some(({ manifest }) => manifest.name === name)) return name
  throw new PaasError('NOT_FOUND', `There is no buildpack ${JSON.stringify(name)} here.`, {
    hint: `There are: ${buildpacks.map(({ manifest }) => manifest.name).join(', ')}, dockerfile.`,
  })
}

function nothingDetected(source: Source, buildpacks: readonly Buildpack[]): PaasError {
  const files = source.entries.filter(({ path }) => !path.includes('/')).map(({ path }) => path)
  const shown = files.slice(0, 8).join(', ') + (files.length > 8 ? ', …' : '')
  return refused(
    `No buildpack recognises this source (${shown}).`,
    `Add a Dockerfile, or what one of these looks for: ${buildpacks.map((b) => b.manifest.name).join(', ')}.`,
  )
}

type Built = Pick<
  BuildPlan,
  | 'dockerfile'
  | 'dockerfilePath'
  | 'target'
  | 'buildArgs'
  | 'files'
  | 'manifests'
  | 'sourceFolder'
  | 'env'
  | 'processes'
  | 'port'
  | 'warnings'
>

function planDockerfile(
  source: Source,
  { dockerfile: path = 'Dockerfile', buildArgs = {}, target }: PlanOptions,
  procfile: Record<ProcessType, Process> | undefined,
): Built {
  const dockerfile = source.text(path)
  if (dockerfile === undefined)
    throw refused(
      `There is no ${path} in the source, or it is too large.`,
      path === 'Dockerfile' ? undefined : 'Which one is built is set with: paas dockerfile:set',
    )
  checkDockerfile(dockerfile, buildArgs)
  const { port, starts } = runtimeOf(dockerfile, target)
  // A base image may bring its command along, so an image that says nothing itself is still web.
  const own = procfile !== undefined && (procfile[webType] !== undefined || !starts)
  return {
    dockerfile,
    dockerfilePath: path,
    ...(target !== undefined && { target }),
    buildArgs: { ...buildArgs },
    files: [],
    manifests: {},
    sourceFolder: '',
    env: {},
    processes: own ? procfile : { [webType]: {}, ...procfile },
    port,
    warnings: [],
  }
}

const webType = ProcessType.parse('web')

function planBuildpacks(
  source: Source,
  options: PlanOptions,
  builders: readonly string[],
  procfile: Record<ProcessType, Process> | undefined,
): Built {
  const packs = builders.map((name) => options.buildpacks.find(({ manifest }) => manifest.name === name)!)
  const main = packs.at(-1)!
  for (const { manifest } of packs)
    for (const { when, message, hint } of manifest.refuse)
      if (ask(source, when) !== undefined) throw refused(message, hint)
  if (options.base !== undefined) checkImageName(options.base, 'The base')
  const defaults = defaultProcesses(source, main)
  const processes = procfile ?? defaults
  if (Object.keys(processes).length === 0)
    throw refused(
      `The buildpack ${main.manifest.name} does not know how to start this app.`,
      'Add a Procfile, for example with the line: web: ./start',
    )
  const { base } = options
  const composed = onBase(composeDockerfiles(packs), base)
  const { dockerfile, folders } = withFixedTimes(composed, { trust: base !== undefined })
  const buildArgs = Object.fromEntries(packs.flatMap((pack) => Object.entries(argsOf(source, pack, options))))
  return {
    dockerfile,
    dockerfilePath: 'Dockerfile',
    buildArgs: { ...buildArgs, ...basesOf(main, options.base) },
    files: packs.flatMap(({ manifest, files }) =>
      files.map((file) => ({ ...file, path: `${manifest.name}/${file.path}` })),
    ),
    manifests: Object.fromEntries([
      ...packs.map(({ manifest: m }) => [`manifests/${m.name}`, m.manifests] as const),
      ...folders.map((folder): [string, string[]] => [folder, []]),
    ]),
    sourceFolder: 'app',
    env: envOf(source, packs),
    processes,
    port: defaultPort,
    warnings: packs.flatMap(({ manifest }) =>
      manifest.warn.flatMap(({ when, message }) => (ask(source, when) === undefined ? [] : [message])),
    ),
  }
}

/** The stage of an image that `base:set` named: what this server trusts, it trusts too. */
const chosenBase = 'chosen-base'

const onBase = (dockerfile: string, base: string | undefined): string =>
  base === undefined
    ? dockerfile
    : dockerfile.replace(
        /^FROM /m,
        () =>
          `FROM ${base} AS ${chosenBase}\n` +
          ['/usr/local/share/ca-certificates', '/etc/ssl/certs/ca-certificates.crt']
            .map((path) => `COPY --from=${baseImage} ${path} ${path}\n`)
            .join('') +
          '\nFROM ',
      )

const basesOf = ({ manifest }: Buildpack, base: string | undefined): Record<string, string> =>
  base === undefined ? {} : Object.fromEntries(manifest.bases.map((name) => [name, chosenBase]))

function defaultProcesses(source: Source, { manifest }: Buildpack): Record<ProcessType, Process> {
  const found = Object.entries(manifest.processes).flatMap(([type, alternatives]) => {
    for (const { when, command } of alternatives) {
      const answer = when === undefined ? { text: '' } : ask(source, when)
      if (answer !== undefined) return [[type, { command: command.replaceAll('{}', answer.text) }] as const]
    }
    return []
  })
  return Object.fromEntries(found)
}

function argsOf(source: Source, { manifest }: Buildpack, { base }: PlanOptions): Record<string, string> {
  const answers = Object.entries(manifest.args).flatMap(([name, probes]) => {
    const answer = firstAnswer(source, probes)
    return answer === undefined ? [] : [[name, answer.text] as const]
  })
  const { versions } = manifest
  if (versions === undefined || base !== undefined) return Object.fromEntries(answers)
  const version = chooseVersion(versions, firstAnswer(source, versions.wanted))
  return { ...Object.fromEntries(answers), [versions.arg]: version }
}

function envOf(source: Source, packs: readonly Buildpack[]): BuildPlan['env'] {
  const wanted = packs.flatMap(({ manifest }) => manifest.env)
  const asked = wanted.filter(({ when }) => when === undefined || ask(source, when) !== undefined)
  return Object.fromEntries(
    asked.map(({ name, value, generate }) => [name, { value, generate, required: true, sync: false }]),
  )
}

/** Process types that app.json speaks of and that do not exist are most likely misspelt. */
function strangers(key: string, named: object, processes: object): string[] {
  return Object.keys(named)
    .filter((type) => !Object.hasOwn(processes, type))
    .map((type) => `app.json: ${key}.${type} is about a process type that the app does not have`)
}

const refused = (message: string, hint?: string): PaasError =>
  new PaasError('SOURCE_REFUSED', message, hint === undefined ? {} : { hint })
