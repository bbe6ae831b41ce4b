// Leaves in Deno's folder what is the same whenever it is made: no databases, which it makes anew, and of what the
// registry says of a package, which comes today or not, only what the package says itself.
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const packages = `${process.env.DENO_DIR}/npm/*/{*,@*/*}`
for (const file of globSync([`${process.env.DENO_DIR}/*_cache_v*`, `${packages}/registry.*.tmp`]))
  rmSync(file)

// Without a lock file the versions are chosen anew at the start, of all that the registry has.
if (existsSync('deno.lock')) {
  const told = {}
  for (const file of globSync(`${packages}/registry.json`)) rmSync(file)
  for (const file of globSync(`${packages}/*/package.json`).sort()) {
    const { name, version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } =
      JSON.parse(readFileSync(file, 'utf8'))
    const target = join(dirname(file), '../registry.json')
    told[target] ??= { name, 'dist-tags': {}, versions: {}, '_deno.packumentFormat': 'full' }
    told[target].versions[version] = {
      version,
      dependencies,
      optionalDependencies,
      peerDependencies,
      peerDependenciesMeta,
    }
  }
  for (const [file, content] of Object.entries(told)) writeFileSync(file, JSON.stringify(content))
}
