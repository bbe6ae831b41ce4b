import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const packages = ['nginx', 'haproxy', 'caddy', 'wrk']
const npmPackages = ['http-proxy', 'undici']

/** Programs of the anchors, unpacked beside the system: nothing is installed and no service starts. */
export type Anchors = {
  nginx: string
  haproxy: string
  caddy: string
  wrk: string
  /** Directory whose node_modules has http-proxy and undici. */
  npm: string
  /** Where the programs find their shared libraries. */
  libraries: string
  versions: Record<string, string>
}

/** Fetches what is missing into `directory`, from Debian's archive and npm's registry. */
export async function installAnchors(directory: string): Promise<Anchors> {
  const archives = join(directory, 'archives')
  const root = join(directory, 'root')
  if (!existsSync(join(root, 'unpacked'))) {
    await mkdir(join(archives, 'partial'), { recursive: true })
    await mkdir(root, { recursive: true })
    await run('apt-get', [
      'install',
      '--yes',
      '--download-only',
      '--reinstall',
      '--no-install-recommends',
      '-o',
      `Dir::Cache::archives=${archives}`,
      '-o',
      'APT::Sandbox::User=root',
      ...packages,
    ])
    for (const name of await readdir(archives)) {
      if (name.endsWith('.deb')) await run('dpkg', ['--extract', join(archives, name), root])
    }
    await mkdir(join(root, 'unpacked'))
  }
  const npm = join(directory, 'npm')
  if (!existsSync(join(npm, 'node_modules/undici'))) {
    await mkdir(npm, { recursive: true })
    await run('npm', [
      'install',
      '--prefix',
      npm,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      ...npmPackages,
    ])
  }
  const libraries = (await readdir(join(root, 'usr/lib')))
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => join(root, 'usr/lib', name))
    .join(':')
  const programs = {
    nginx: join(root, 'usr/sbin/nginx'),
    haproxy: join(root, 'usr/sbin/haproxy'),
    caddy: join(root, 'usr/bin/caddy'),
    wrk: join(root, 'usr/bin/wrk'),
  }
  const env = { ...process.env, LD_LIBRARY_PATH: libraries }
  const firstWords = async (program: string, argument: string, pattern: RegExp): Promise<string> => {
    const { stdout, stderr } = await run(program, [argument], { env })
    return pattern.exec(stdout + stderr)?.[1] ?? 'unknown'
  }
  const npmVersion = async (name: string): Promise<string> => {
    const url = new URL(`file://${join(npm, 'node_modules', name, 'package.json')}`)
    const module = (await import(url.href, { with: { type: 'json' } })) as { default: { version: string } }
    return module.default.version
  }
  return {
    ...programs,
    npm,
    libraries,
    versions: {
      node: process.versions.node,
      nginx: await firstWords(programs.nginx, '-v', /nginx\/(\S+)/),
      haproxy: await firstWords(programs.haproxy, '-v', /version (\S+)/),
      caddy: await firstWords(programs.caddy, 'version', /^v?(\S+)/),
      'http-proxy': await npmVersion('http-proxy'),
      undici: await npmVersion('undici'),
    },
  }
}
