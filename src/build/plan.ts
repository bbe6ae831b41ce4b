import { type Check } from '../model/check.ts'
import { type ProcessType } from '../model/names.ts'
import { type Process } from '../model/release.ts'
import { type AppJson } from './app-json.ts'
import { type ContextFile } from './buildpack.ts'

/** All that a build needs to know before it starts; pure data, found by `planBuild`. */
export type BuildPlan = {
  /** A buildpack's name, `node+python` where several build one after another, `dockerfile`, `image`. */
  builder: string
  /** Why this builder, for people: `package.json`. */
  why: string
  /** What is built, with cache mounts still unscoped. */
  dockerfile: string
  /** Where it is in the build context, in place of the source's file of that name. */
  dockerfilePath: string
  /** Stage to build; undefined: the last. */
  target?: string
  buildArgs: Record<string, string>
  /** Files that come along in the build context beside the source. */
  files: ContextFile[]
  /** Folder in the build context → patterns of the source's files that are there too. */
  manifests: Record<string, string[]>
  /** Folder of the build context that the source is in; empty: its root, as an app's own Dockerfile expects. */
  sourceFolder: string
  /** `.dockerignore` lines that the source is filtered by. */
  ignore: string
  processes: Record<ProcessType, Process>
  checks: Record<ProcessType, Check[]>
  /** Process type → quantity from app.json. */
  formation: Record<ProcessType, number>
  /** Process type → bytes of memory that app.json asks for. */
  sizes: Record<ProcessType, number>
  /** Config vars that app.json asks for. */
  env: AppJson['env']
  scripts: AppJson['scripts']
  cron: AppJson['cron']
  /** The port that web listens on, given to it as PORT; undefined: what the image exposes, else `defaultPort`. */
  port: number | undefined
  /** For people, before the build starts. */
  warnings: string[]
}

/** Heroku's habit: web listens on PORT, and this is its value where nothing says otherwise. */
export const defaultPort = 5000
