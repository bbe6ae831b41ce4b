import { join } from 'node:path'
import { mustRun } from './process.ts'

/** Runs a script in a container, in a folder of this machine, as its developer would have run it. */
export function inContainer(image: string, folder: string, script: string): Promise<string> {
  const support = join(import.meta.dirname, 'vendor')
  return mustRun('docker', [
    ...['run', '--rm', '--volume', `${folder}:/made`, '--volume', `${support}:/support:ro`],
    ...['--workdir', '/made', image, 'sh', '-ec'],
    `${script} > /tmp/log 2>&1 || { tail -n 30 /tmp/log >&2; exit 1; }`,
  ])
}

export const withNode =
  (script: string) =>
  (folder: string): Promise<string> =>
    inContainer('paas/node:26', folder, script)

/** The same with packages of Debian. */
export const withDebian =
  (packages: string, script: string) =>
  (folder: string): Promise<string> =>
    inContainer(
      'paas/base:trixie',
      folder,
      `{ mkdir -p /usr/share/man/man1; apt-get update -qq; ` +
        `DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${packages}; ${script}; }`,
    )
