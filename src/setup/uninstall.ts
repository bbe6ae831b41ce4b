import { rm } from 'node:fs/promises'
import { type InstancePaths } from '../lib/paths.ts'
import { openEngine } from '../docker/engine.ts'
import { run } from '../lib/run.ts'
import { type Instance } from '../model/instance.ts'
import { unguardHost } from '../network/firewall.ts'
import { serviceInterfaces } from '../lib/service-network.ts'
import { removeAccount } from './accounts.ts'
import { dockerAnswers, stopDocker } from './docker-daemon.ts'
import { removeDockerObjects } from './docker-objects.ts'
import { recorded } from './manifest.ts'
import { bringDown } from './services.ts'
import { type Report } from './step.ts'
import { target } from './systemd.ts'
import { exists } from './machine.ts'
import { reloadSystemSshd } from './system-sshd.ts'

export type Removal = { root: string; instance: Instance; paths: InstancePaths; keepData: boolean }

/**
 * Takes back what set-up did: processes, containers and networks of the instance, files elsewhere and, unless
 * `keepData`, the state, the repositories, the users and what only paas needed. `bin/setup` then removes the program.
 */
export async function uninstall({ root, instance, paths, keepData }: Removal, report: Report): Promise<void> {
  const systemd = await exists(`/etc/systemd/system/${target}`)
  report('-----> Stopping the processes')
  await bringDown({ paths, systemd: systemd && root === '/' })

  report('-----> Removing containers and networks')
  if (await dockerAnswers(instance.dockerSocket)) {
    await removeDockerObjects(openEngine(instance.dockerSocket), instance.name, keepData)
  } else {
    report('       left, because Docker does not answer')
  }
  await unguardHost(instance.network.bridge)
  await unguardHost(serviceInterfaces(instance.name))

  report('-----> Removing files')
  for (const file of await recorded(paths, 'file')) await rm(file, { force: true })
  await rm(paths.launcher, { force: true })
  if (systemd) await run('systemctl', ['daemon-reload'])
  if (root === '/') await reloadSystemSshd()
  for (const path of [paths.run, paths.log]) await rm(path, { recursive: true, force: true })
  if (keepData) {
    report(`       kept: ${paths.lib}, ${paths.etc}, images, volumes, users and packages`)
    return
  }
  const packages = await recorded(paths, 'package')
  const startedDocker = (await recorded(paths, 'dockerd')).length > 0
  for (const user of await recorded(paths, 'user')) await removeAccount(user)
  for (const path of [paths.lib, paths.etc]) await rm(path, { recursive: true, force: true })
  if (await othersNeed(root, instance.dockerSocket)) {
    if (packages.length > 0) report(`       left, as others use them: ${packages.join(' ')}`)
    return
  }
  if (startedDocker) await stopDocker(report)
  if (packages.length > 0) await removePackages(packages, report)
}

/** Packages and the Docker Engine are the whole machine's: they stay while anything else is there. */
async function othersNeed(root: string, dockerSocket: string): Promise<boolean> {
  if (root !== '/') return true
  if (!(await dockerAnswers(dockerSocket))) return false
  return (await openEngine(dockerSocket).docker.listContainers({ all: true })).length > 0
}

async function removePackages(packages: string[], report: Report): Promise<void> {
  report(`-----> Removing packages: ${packages.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Something that came later may need a library too: it only stops being wanted for its own sake.
  const libraries = packages.filter((name) => name.startsWith('lib'))
  const programs = packages.filter((name) => !name.startsWith('lib'))
  if (libraries.length > 0) await run('apt-mark', ['auto', ...libraries])
  if (programs.length === 0) return
  const { code, stderr } = await run('apt-get', ['remove', '--yes', '--', ...programs], { env })
  if (code === 0) report('       what these had brought along goes with: apt-get autoremove')
  else report(`       apt-get could not: ${stderr.trim().split('\n').at(-1) ?? ''}`)
}
