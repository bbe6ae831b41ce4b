// Leaves of Deno's folder what is the same whenever it is fetched: no databases, which it makes anew, and of what the
// registry says of a package only the versions that are there.
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const folder = process.env.DENO_DIR
for (const file of globSync(`${folder}/*_cache_v*`)) rmSync(file)
for (const file of globSync(`${folder}/npm/**/registry.json`)) {
  const told = JSON.parse(readFileSync(file, 'utf8'))
  const there = Object.keys(told.versions).filter((version) => existsSync(join(dirname(file), version)))
  const only = (all = {}) => Object.fromEntries(there.sort().map((version) => [version, all[version]]))
  const kept = { ...told, 'dist-tags': {}, versions: only(told.versions), time: only(told.time) }
  writeFileSync(file, JSON.stringify(kept))
}
