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
const onDemand = ['backups', 'daily-under-load', 'wordpress'].map((name) => `test/e2e/${name}.test.ts`)

export default defineConfig({
  test: {
    projects: [
      project('unit', 10_000),
      project('integration', 60_000),
      project('conformance', 60_000),
      {
        test: {
          ...project('e2e', 180_000).test,
          // One private instance serves all e2e files, so they run one after another.
          fileParallelism: false,
          exclude: process.env['PAAS_TEST'] === 'all' ? [] : onDemand,
          globalSetup: ['test/support/e2e-setup.ts'],
        },
      },
    ],
  },
})
