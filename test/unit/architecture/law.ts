/** What a folder of src may import besides itself and node: builtins. */
export type Law = {
  /** Folders, and packages. */
  values: string[]
  /** Only types of these: they are handed in, never reached for. */
  types?: string[]
}

const foundation = ['errors', 'lib', 'model']
/** What talks to the world outside, handed to the domain by main. */
const adapters = ['store', 'docker', 'git', 'schedulers', 'pino', 'api']

/** The rules of the platform, a folder for each thing. */
const domain = ['apps', 'backups', 'build', 'cron', 'deploy', 'health', 'logs', 'recovery', 'run', 'services']

/** The import law of docs/architecture.md; imports point down only. */
export const laws: Record<string, Law> = {
  errors: { values: [] },
  lib: { values: [], types: ['errors'] },
  model: { values: ['zod', 'errors', 'lib'] },

  store: { values: [...foundation, 'zod', 'ioredis'] },
  docker: {
    values: [...foundation, 'dockerode', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs/light.js'],
  },
  git: { values: [...foundation, 'simple-git'] },
  network: { values: foundation },
  schedulers: { values: foundation, types: ['docker'] },

  client: { values: ['api', 'errors', 'lib'], types: ['model'] },
  router: { values: [...foundation, 'zod', 'store'], types: ['ioredis'] },

  logs: { values: [...foundation, 'zod'], types: adapters },
  build: {
    values: [...foundation, 'zod', '@balena/dockerignore', 'semver', 'smol-toml', 'tar-stream', 'yaml'],
    types: adapters,
  },
  apps: {
    values: [...foundation, 'zod'],
    types: [...adapters, 'build', 'deploy', 'logs', 'services', 'cron'],
  },
  cron: { values: [...foundation, 'croner', 'apps', 'deploy', 'run', 'logs'], types: [...adapters, 'build'] },
  deploy: {
    values: [...foundation, 'zod', 'apps', 'build', 'schedulers', 'logs', 'cron', 'git'],
    types: adapters,
  },
  run: { values: [...foundation, 'apps', 'deploy', 'logs'], types: adapters },
  services: {
    values: [...foundation, 'zod', 'tar-stream', 'apps', 'build', 'deploy', 'schedulers'],
    types: adapters,
  },
  health: { values: [...foundation, 'semver', 'apps', 'build', 'recovery'], types: adapters },
  // Its file has the store's own records in it, in the store's own shape.
  recovery: {
    values: [...foundation, 'zod', 'tar-stream', 'apps', 'backups', 'services', 'store'],
    types: adapters,
  },

  backups: {
    values: [...foundation, 'zod', '@aws-sdk/client-s3', 'croner', 'apps', 'build', 'deploy', 'services'],
    types: adapters,
  },

  reconcile: { values: [...foundation, ...domain, 'schedulers'], types: adapters },
  commands: { values: [...foundation, 'zod', 'commander', ...domain, 'router'], types: adapters },
  api: { values: [...foundation, 'zod', 'apps', 'git'], types: adapters },

  // Set-up makes the parts that the others are handed, so it knows them.
  setup: { values: [...foundation, 'store', 'docker', 'network', 'router'] },
  serve: { values: [...foundation, 'setup'], types: ['pino'] },
}

/** Narrower than their folder: of what is imported there, only these files. */
export const narrow: Record<string, Record<string, RegExp>> = {
  // The client starts in milliseconds, so nothing heavier than the wire format.
  client: { api: /^api\/wire\.ts$/ },
  router: { store: /^store\/(?:routes|route-feed|redis-target)\.ts$/ },
  // A command asks the router over its control socket; the data plane is another process.
  commands: { router: /^router\/(?:control|observe\/stats)\.ts$/ },
  setup: { router: /^router\/control\.ts$/ },
}

/** Only these files may import a package that its folder may. */
export const soleUsers: Record<string, RegExp> = {
  commander: /^commands\/(?:program|usage-error)\.ts$/,
}
