import { rm } from 'node:fs/promises'
import { type InstancePaths } from '../lib/paths.ts'
import { openEngine } from '../docker/engine.ts'
import { run } from '../lib/run.ts'
import { type Instance } from '../model/instance.ts'
import { unguardHost } from '../network/firewall.ts'
import { removeAccount } from './accounts.ts'
import { dockerAnswers } from './docker-daemon.ts'
import { removeDockerObjects } from './docker-objects.ts'
import { launcherPath } from './launcher.ts'
import { recorded } from './manifest.ts'
import { bringDown } from './services.ts'
import { type Report } from './step.ts'
import { target } from './systemd.ts'
import { exists } from './machine.ts'
import { reloadSystemSshd } from './system-sshd.ts'

export type Removal = { root: string; instance: Instance; paths: InstancePaths; keepData: boolean }

/**
 * Takes back what set-up did: processes, containers and networks of the instance, files elsewhere and, unless
 * `keepData`, the state, the repositories and the users. `bin/setup` removes the program and the packages.
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

  report('-----> Removing files')
  for (const file of await recorded(paths, 'file')) await rm(file, { force: true })
  await rm(launcherPath(root), { force: true })
  if (systemd) await run('systemctl', ['daemon-reload'])
  if (root === '/') await reloadSystemSshd()
  for (const path of [paths.run, paths.log]) await rm(path, { recursive: true, force: true })
  if (keepData) {
    report(`       kept: ${paths.lib}, ${paths.etc}, images, volumes and users`)
    return
  }
  for (const user of await recorded(paths, 'user')) await removeAccount(user)
  for (const path of [paths.lib, paths.etc]) await rm(path, { recursive: true, force: true })
}
