import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { built, engine, needBase, samples, sourceOfFolder } from './engine.ts'

// On demand, as it installs everything twice. docs/buildpacks.md says what does not stay the same, and why.

beforeAll(needBase, 300_000)

/** php-notes is built as php-plain is, node-store as node-npm. */
const alike = ['php-notes', 'node-store', 'probe']
const apps = readdirSync(samples).filter((app) => !alike.includes(app))

async function layersOf(app: string): Promise<string[]> {
  await using spooled = await sourceOfFolder(join(samples, app))
  // A scope of its own has empty cache mounts.
  const cacheScope = `same-${Math.random().toString(36).slice(2)}`
  const secrets = { env: Buffer.from("export MODE='same'\n") }
  await using image = await built(spooled.source, { noCache: true, cacheScope, secrets })
  return (await engine.images.inspect(image.imageId))!.layers
}

test.each(apps)(
  '%s has the same layers when it is built again from nothing',
  { timeout: 900_000 },
  async (app) => {
    expect(await layersOf(app)).toEqual(await layersOf(app))
  },
)
