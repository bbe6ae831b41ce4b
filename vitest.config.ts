import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const project = (name: string, timeout: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: timeout,
  },
})

/** Minutes each, on a machine that has none of their packages yet: `sudo PAAS_TEST=all bin/test`. */
const onDemand = {
  e2e: [
    'backups',
    'base-update',
    'builds',
    ...['commands/processes', 'commands/releases', 'commands/settings'],
    'daily-under-load',
    'everyday',
    'frameworks',
    'java-wrappers',
    'object-store',
    'official-bases',
    'python-tools',
    'restore-elsewhere',
    'samples',
    'service-commands',
    'service-images',
    'upgrade',
    'wordpress',
  ],
  integration: [
    ...['backups/s3', 'build/build-limits', 'build/same-bytes', 'router/draining'],
    ...['config', 'crashes', 'cron', 'drains', 'follow', 'releases'].map((name) => `daily/${name}`),
  ],
}
const excluded = (name: keyof typeof onDemand): string[] =>
  process.env['PAAS_TEST'] === 'all' ? [] : onDemand[name].map((file) => `test/${name}/${file}.test.ts`)

export default defineConfig({
  test: {
    // Most of a test is waiting for other processes, so that even two cores have room for three.
    maxWorkers: 3,
    // A third of the time of a process that a test starts from source is to compile it.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.compile-cache') },
    projects: [
      project('unit', 10_000),
      { test: { ...project('integration', 60_000).test, exclude: excluded('integration') } },
      project('conformance', 60_000),
      {
        test: {
          ...project('e2e', 180_000).test,
          // One private instance serves all e2e files, so they run one after another.
          fileParallelism: false,
          exclude: excluded('e2e'),
          globalSetup: ['test/support/e2e-setup.ts'],
        },
      },
      {
        // On an instance of its own that is broken in every way: `npm run test:faults`, never part of another run.
        test: {
          ...project('faults', 240_000).test,
          fileParallelism: false,
          globalSetup: ['test/support/e2e-setup.ts'],
        },
      },
      {
        // The same on a machine of its own, whose power can go.
        test: {
          ...project('faults-machine', 240_000).test,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          globalSetup: ['test/support/machine-setup.ts'],
        },
      },
    ],
  },
})
