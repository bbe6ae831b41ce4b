import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PaasError } from '../errors/paas-error.ts'
import { appUser } from './app-user.ts'
import { epoch } from './fixed-times.ts'
import { bothSpellings, machineProxy } from './machine-proxy.ts'

export type BootstrapOptions = {
  suite: string
  /** A scratch folder; the results are in it. */
  folder: string
  /** A folder of certificates to install; undefined: none. */
  certificates: string | undefined
  onLine: (line: string) => void
  signal: AbortSignal
}

/** Files in the scratch folder: the root file system, and facts about it. */
export type Bootstrapped = { tar: string; packages: string; version: string }

/** In every image: TLS, what Node links to, time zones, /etc/services, useradd for those who write Dockerfiles. */
const packages = ['ca-certificates', 'libatomic1', 'netbase', 'passwd', 'tzdata']
/** For what is installed in builds: nothing that only serves the next `apt-get` stays in a layer. */
const aptFile = '90paas'
const aptSettings = `Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Binary::apt-get::APT::Keep-Downloaded-Packages "false";
`
/** Of the package debian-archive-keyring, which set-up brings. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** Nobody reads manuals in a container; the path filters stay in the image for what is installed later. */
const excluded = ['/usr/share/man/*', '/usr/share/doc/*', '/usr/share/info/*', '/usr/share/locale/*']

/** Makes a minimal Debian root file system with mmdebstrap: signed packages from the machine's default mirror. */
export async function bootstrapDebian(options: BootstrapOptions): Promise<Bootstrapped> {
  const { suite, folder, onLine, signal } = options
  const tar = join(folder, 'root.tar')
  await writeFile(join(folder, aptFile), aptSettings)
  const child = spawn('mmdebstrap', argumentsOf(options, tar), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Later times are cut to this one, so that the same packages give the same bytes.
    env: { ...process.env, ...bothSpellings(await machineProxy()), SOURCE_DATE_EPOCH: String(epoch) },
    signal,
  })
  const last: string[] = []
  const exited = once(child, 'close') as Promise<[number | null]>
  exited.catch(() => undefined)
  for await (const line of createInterface({ input: child.stderr })) {
    onLine(line)
    last.push(line)
    if (last.length > 10) last.shift()
  }
  const code = await exited.then(
    ([status]) => status,
    (error: unknown) => {
      signal.throwIfAborted()
      throw new PaasError('BUILD_FAILED', `mmdebstrap did not start: ${(error as Error).message}`, {
        hint: 'apt-get install mmdebstrap debian-archive-keyring',
      })
    },
  )
  signal.throwIfAborted()
  if (code !== 0)
    throw new PaasError('BUILD_FAILED', `Debian ${suite} could not be put together:\n${last.join('\n')}`, {
      hint: hintOf(last.join('\n')),
    })
  return { tar, packages: join(folder, 'status'), version: join(folder, 'debian_version') }
}

function argumentsOf({ suite, folder, certificates }: BootstrapOptions, tar: string): string[] {
  const install =
    certificates === undefined
      ? []
      : [`sync-in ${certificates} /usr/local/share/ca-certificates`, 'chroot "$1" update-ca-certificates']
  const hooks = [
    ...install,
    `chroot "$1" useradd --uid ${appUser} --user-group --home-dir /app --create-home --skel /nonexistent --shell /bin/bash app`,
    'chmod 755 "$1"/app',
    `copy-in ${join(folder, aptFile)} /etc/apt/apt.conf.d`,
    // What is not there needs no mark, with a time, where a later step takes it away.
    'rm -rf "$1"/var/log/* "$1"/var/cache/apt/* "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old "$1"/etc/machine-id',
    `copy-out /var/lib/dpkg/status /etc/debian_version ${folder}`,
  ]
  return [
    '--variant=apt',
    // On another distribution mmdebstrap would need gpg to find out that Debian's keys are not among apt's own.
    `--keyring=${keyring}`,
    `--include=${packages.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    // A build that is cut off is thrown away, so nothing needs to reach the disk on the way.
    '--dpkgopt=force-unsafe-io',
    ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    '--format=tar',
    suite,
    tar,
  ]
}

function hintOf(output: string): string {
  if (/NO_PUBKEY|not signed|keyring/i.test(output))
    return 'apt-get install --only-upgrade debian-archive-keyring'
  if (/resolv|connect|unreachable|timed out|Failed to fetch/i.test(output))
    return 'This server cannot reach Debian’s archive: open the way, or set http_proxy in /etc/environment.'
  return 'The lines above are mmdebstrap’s own; once their cause is gone: paas base:build'
}
