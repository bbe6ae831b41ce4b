import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'
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
    const { store, engine, instance, paths } = platform
    const [apps, used, sizes] = await Promise.all([
      store.apps.list(),
      engine.diskUsage(),
      sizesIn([paths.appLogs, paths.builds, paths.repos]),
    ])
    const size = (folder: string): number => sizes.get(folder) ?? 0
    const isOurs = ({ labels }: { labels: Record<string, string> }): boolean =>
      labels['paas.instance'] === instance.name
    const sum = (items: { bytes: number }[]): number => items.reduce((total, item) => total + item.bytes, 0)
    const rows = apps.map(({ id, name }) => {
      const own = ({ labels }: { labels: Record<string, string> }): boolean =>
        isOurs({ labels }) && labels['paas.app'] === id
      const row = {
        images: sum(used.images.filter(own)),
        containers: sum(used.containers.filter(own)),
        volumes: sum(used.volumes.filter(own)),
        logs: size(join(paths.appLogs, id)) + size(join(paths.builds, id)),
        repository: size(join(paths.repos, `${id}.git`)),
      }
      return { app: name, ...row, total: Object.values(row).reduce((a, b) => a + b, 0) }
    })
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

/** Bytes on disk of each folder in these, with all that is in it. One look, however many there are. */
function sizesIn(folders: string[]): Promise<Map<string, number>> {
  const args = ['--max-depth=1', '--block-size=1', '--', ...folders]
  return new Promise((resolve) => {
    // What goes while it looks makes it fail, and what it has found counts all the same.
    execFile('du', args, { maxBuffer: 16 * 1024 ** 2 }, (_error, stdout) => {
      const lines = stdout.matchAll(/^(\d+)\t(.+)$/gm)
      resolve(new Map([...lines].map(([, bytes, path]) => [path!, Number(bytes)])))
    })
  })
}
