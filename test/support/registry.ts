import { docker } from './docker.ts'
import { instance } from './instance.ts'
import { eventually, mustRun, run } from './process.ts'

/** A registry on loopback, which the engine takes without TLS. */
export type Registry = {
  /** `127.0.0.1:5000`. */
  address: string
  /** Brings an image of the engine into it under this name, and takes it from the engine. */
  push: (image: string, name: string) => Promise<void>
  stop: () => Promise<void>
  start: () => Promise<void>
  remove: () => Promise<void>
}

/** Debian's docker-registry in a container. */
export async function startRegistry(): Promise<Registry> {
  const [container, image] = [`${instance.name}-registry`, `paas-test/registry:${instance.name}`]
  await dockerBuild(
    image,
    `FROM paas/base:trixie
${install('docker-registry')}
RUN printf 'version: 0.1\\nstorage:\\n  filesystem:\\n    rootdirectory: /srv\\nhttp:\\n  addr: :5000\\n' > /etc/registry.yml
CMD ["docker-registry", "serve", "/etc/registry.yml"]`,
  )
  // A port of its own, as it has to be the same after a restart.
  const port = await freePort()
  await docker(
    ...['run', '--detach', '--name', container, '--label', `paas.instance=${instance.name}`],
    ...['--publish', `127.0.0.1:${port}:5000`, image],
  )
  const address = `127.0.0.1:${port}`
  const answers = (): Promise<unknown> =>
    eventually(
      'the registry answers',
      60_000,
      async () => (await run('curl', ['-sf', `http://${address}/v2/`])).code === 0,
    )
  await answers()
  return {
    address,
    async push(from, name) {
      const to = `${address}/${name}`
      await docker('tag', from, to)
      await docker('push', '--quiet', to)
      await docker('rmi', to)
    },
    async stop() {
      await docker('stop', '--time', '1', container)
    },
    async start() {
      await docker('start', container)
      await answers()
    },
    async remove() {
      await docker('rm', '--force', '--volumes', container)
      await docker('rmi', image)
    },
  }
}

const freePort = async (): Promise<string> =>
  (
    await mustRun('node', [
      '--eval',
      "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close() })",
    ])
  ).trim()

/** Builds what needs no files. */
export async function dockerBuild(tag: string, dockerfile: string): Promise<void> {
  const args = ['--host', `unix://${instance.dockerSocket}`, 'build', '--quiet', '--tag', tag, '-']
  const env = { ...process.env, DOCKER_BUILDKIT: '0' }
  const { code, output } = await run('docker', args, { input: `${dockerfile}\n`, env })
  if (code !== 0) throw new Error(`${tag} could not be built:\n${output}`)
}

/** A line of a Dockerfile that installs packages of Debian. */
export const install = (packages: string): string =>
  `RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ${packages} \
&& rm -rf /var/lib/apt/lists/*`

/** Makes an image of a Debian's essential packages. */
export async function debianImage(tag: string, suite: string): Promise<void> {
  const options = ['--variant=minbase', '--aptopt=Acquire::Check-Valid-Until "false"', '--format=tar']
  const keys = '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg'
  const line = 'set -euo pipefail; mmdebstrap "${@:3}" - | docker --host "$1" import - "$2"'
  const more = ['--include=ca-certificates', keys, suite]
  await mustRun('bash', [
    ...['-c', line, 'base', `unix://${instance.dockerSocket}`, tag],
    ...options,
    ...more,
  ])
}
