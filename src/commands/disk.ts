import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'
import { type Platform } from '../apps/platform.ts'
import { defineCommand } from './define.ts'
import { bytes, table } from './render.ts'

const Row = z.object({
  app: z.string(),
  images: z.int(),
  containers: z.int(),
  volumes: z.int(),
  logs: z.int(),
  repository: z.int(),
  total: z.int(),
})

export const disk = defineCommand({
  name: 'disk',
  topic: 'server',
  summary: 'show what uses the disk',
  description:
    'Shows the bytes that each app uses: images (what no other image shares), what containers have written, volumes, ' +
    'logs and builds, the repository; then the build cache, and what Docker holds that paas did not create.',
  examples: ['paas disk', 'paas disk --json'],
  access: 'admin',
  app: 'none',
  result: z.object({
    apps: z.array(Row),
    buildCache: z.int(),
    /** All layers of all images, those of others too, each once. */
    layers: z.int(),
    others: z.object({ images: z.int(), containers: z.int(), volumes: z.int() }),
  }),
  async run(_input, { platform }) {
    const { store, engine, instance } = platform
    const [apps, used] = await Promise.all([store.apps.list(), engine.diskUsage()])
    const isOurs = ({ labels }: { labels: Record<string, string> }): boolean =>
      labels['paas.instance'] === instance.name
    const sum = (items: { bytes: number }[]): number => items.reduce((total, item) => total + item.bytes, 0)
    const rows = await Promise.all(
      apps.map(async ({ id, name }) => {
        const own = ({ labels }: { labels: Record<string, string> }): boolean =>
          isOurs({ labels }) && labels['paas.app'] === id
        const row = {
          images: sum(used.images.filter(own)),
          containers: sum(used.containers.filter(own)),
          volumes: sum(used.volumes.filter(own)),
          logs:
            (await sizeOf(join(platform.paths.appLogs, id))) +
            (await sizeOf(join(platform.paths.builds, id))),
          repository: await sizeOf(repositoryOf(platform, id)),
        }
        return { app: name, ...row, total: Object.values(row).reduce((a, b) => a + b, 0) }
      }),
    )
    const foreign = <T extends { labels: Record<string, string> }>(items: T[]): T[] =>
      items.filter((item) => !isOurs(item))
    return {
      apps: rows.sort((a, b) => b.total - a.total),
      buildCache: used.buildCacheBytes,
      layers: used.layersBytes,
      others: {
        images: sum(foreign(used.images)),
        containers: sum(foreign(used.containers)),
        volumes: sum(foreign(used.volumes)),
      },
    }
  },
  render: ({ apps, buildCache, layers, others }) =>
    `${table([
      ['APP', 'IMAGES', 'CONTAINERS', 'VOLUMES', 'LOGS', 'REPOSITORY', 'TOTAL'],
      ...apps.map((row) => [
        row.app,
        ...[row.images, row.containers, row.volumes, row.logs, row.repository, row.total].map(bytes),
      ]),
    ])}\n${table([
      ['build cache', bytes(buildCache)],
      ['layers of all images', bytes(layers)],
      ['of others: images', bytes(others.images)],
      ['of others: containers', bytes(others.containers)],
      ['of others: volumes', bytes(others.volumes)],
    ])}`,
})

const repositoryOf = ({ paths }: Platform, id: string): string => join(paths.repos, `${id}.git`)

/** Bytes on disk of a folder with all that is in it; 0 where there is none. */
function sizeOf(folder: string): Promise<number> {
  return new Promise((resolve) => {
    execFile('du', ['-s', '--block-size=1', '--', folder], (_error, stdout) =>
      resolve(Number.parseInt(stdout, 10) || 0),
    )
  })
}
