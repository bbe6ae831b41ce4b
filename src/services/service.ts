/** A command to run in a service's container. Secrets go in `input` or `env`, never in `command`. */
export type Step = {
  command: string[]
  /** Its whole stdin, where the caller brings none. */
  input?: string
  env?: Record<string, string>
}

/** Who gets in, and where to: what a program needs to know besides host and port. */
export type Access = {
  user: string
  password: string
  database: string
  /** Password of our own user, in datastores that do not know who is asking by other means. */
  admin: string
}

/** How the data of one database leaves and enters. */
export type Data = {
  /** Whether a dump is compressed as it comes. */
  packed: boolean
  /** Prints a consistent copy of the database, in the format that its own tools read. */
  dump: (access: Access) => Omit<Step, 'input'>
  /** Replaces the database by the dump on stdin. Exits with an error for anything else, the database untouched. */
  restore: (access: Access) => Step
  /** Prints what is in it, a line each: a name, a tab, a count. What makes two copies comparable. */
  contents: (access: Access) => Step
}

/** What a datastore is: mostly data. Everything that is done with it is in the files beside this one. */
export type Datastore = {
  /** Name of its folder and of the kind. */
  kind: string
  /** Other words for it. */
  aliases: string[]
  title: string
  /** Our image of it: Debian packages on the base. `version` is its tag. */
  image: {
    version: string
    packages: string[]
    /** Shell lines before and after the packages are installed, as root. */
    before?: string
    after?: string
    /** Put in front of the PATH. */
    path?: string
  }
  /** What an image of somebody else has to have besides bash and GNU's tools. */
  needs: {
    programs: string[]
    /** The oldest version that all we do works with. */
    version: string
    /** Names that its user may have in place of `user`. */
    users?: string[]
  }
  port: number
  /** The user in the image that everything runs as. */
  user: string
  /** What is kept, as an absolute path that `user` owns in the image; undefined: nothing is. */
  dataFolder: string | undefined
  memoryBytes: number
  sharedMemoryBytes?: number
  stopSignal: 'SIGTERM' | 'SIGINT'
  env: Record<string, string>
  /** Config vars of a link. The first gets another name where it is taken; the others are only set where free. */
  variables: [string, ...string[]]
  /** Parts of their value, for programs that want those apart: all of them are set, or none where one is taken. */
  parts?: Record<string, (url: URL) => string>
  /** The value of `variables`. */
  url: (access: Access, at: { host: string; port: number }) => string
  /** The first process of the container. */
  start: (options: { memoryBytes: number; settings: Record<string, string> }) => string[]
  /** Run as soon as the container runs, before it is ready. */
  prepare?: (access: Access) => Step
  /** Prints the version of the server. */
  version: Step
  /** Exits with 0 once connections are taken. */
  ready: (access: Access) => Step
  /** Makes user and database, sets the password. Changes nothing where all is so already. */
  provision?: (access: Access) => Step
  /** Removes user and database; undefined: the server has one database for all. */
  remove?: (access: Access) => Step
  /** An interactive client. */
  shell: (access: Access) => Step
  /** Undefined where nothing is kept. */
  data: Data | undefined
}

/** `set -e`, and a pipe fails when any part of it does; `args` are $1, $2 … */
export const bash = (script: string, ...args: string[]): string[] => [
  '/bin/bash',
  '-c',
  `set -euo pipefail\n${script}`,
  'paas',
  ...args,
]
