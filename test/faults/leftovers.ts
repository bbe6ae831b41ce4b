import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { slotsOf } from '../../src/deploy/formation.ts'
import { portOf } from '../../src/deploy/environment.ts'
import { docker } from '../support/docker.ts'
import { instance, paths } from '../support/instance.ts'
import { type KnownApp } from './state.ts'

/** A container as the engine tells of it. */
type Found = {
  Id: string
  Name: string
  State: { Running: boolean }
  Config: { Labels: Record<string, string> }
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
}

const label = `label=paas.instance=${instance.name}`
const lines = (text: string): string[] => text.split('\n').filter(Boolean)

async function containers(): Promise<Found[]> {
  const ids = lines(await docker('ps', '--all', '--quiet', '--no-trunc', '--filter', label))
  if (ids.length === 0) return []
  const found = await docker('inspect', ...ids).catch(async (error: unknown) => {
    // One went between the two looks.
    const now = lines(await docker('ps', '--all', '--quiet', '--no-trunc', '--filter', label))
    if (ids.every((id) => now.includes(id))) throw error
    return undefined
  })
  return found === undefined ? containers() : (JSON.parse(found) as Found[])
}

/**
 * What the engine and the disk hold that the state does not name, and what it names that is not there: exactly the
 * containers of the live releases run, the routes lead to them, and there is nothing else. Empty where all agree.
 */
export async function differences(known: KnownApp[]): Promise<string[]> {
  const found = await containers()
  const named = known.map(({ app }) => app.id as string)
  return [
    ...found
      .filter(({ Config }) => Config.Labels['paas.app'] !== undefined)
      .filter(({ Config }) => !named.includes(Config.Labels['paas.app']!))
      .map(({ Name }) => `the container ${Name} is of no app`),
    ...known.flatMap((app) => differencesOf(app, found)),
    ...(await images(known)),
    ...(await networks()),
    ...(await files()),
  ]
}

function differencesOf({ app, config, releases, routes }: KnownApp, found: Found[]): string[] {
  const own = found.filter(({ Config }) => Config.Labels['paas.app'] === app.id)
  const release = releases.find(({ version }) => version === app.currentRelease)
  const wanted = release === undefined ? [] : slotsOf(app, release.image)
  const isOf = ({ Config: { Labels } }: Found, slot: { type: string; index: number }): boolean =>
    Labels['paas.release'] === String(app.currentRelease) &&
    Labels['paas.type'] === slot.type &&
    Labels['paas.index'] === String(slot.index)
  const running = own.filter(({ State }) => State.Running)
  const port = release === undefined ? 0 : portOf(release, config)
  const backends = running
    .filter(({ Config }) => Config.Labels['paas.type'] === 'web')
    .map(({ NetworkSettings }) => `http://${NetworkSettings.Networks[instance.bridge]?.IPAddress}:${port}`)
    .sort()
  return [
    ...wanted
      .filter((slot) => running.filter((container) => isOf(container, slot)).length !== 1)
      .map(({ type, index }) => `${app.name} has not exactly one ${type}.${index} of v${app.currentRelease}`),
    ...own
      .filter((container) => !wanted.some((slot) => isOf(container, slot)) || !container.State.Running)
      .map(
        ({ Name, State }) => `the container ${Name} (${State.Running ? 'running' : 'ended'}) is of no use`,
      ),
    ...routes
      .filter((route) => route.backends.toSorted().join() !== backends.join())
      .map(({ host, backends: led }) => `${host} leads to ${led.join()}, and there is ${backends.join()}`),
    ...releases
      .filter(
        ({ status, version }) =>
          status === 'pending' || (status === 'active') !== (version === app.currentRelease),
      )
      .map(
        ({ version, status }) => `v${version} of ${app.name} is ${status}, v${app.currentRelease} is live`,
      ),
  ]
}

async function images(known: KnownApp[]): Promise<string[]> {
  const listed = await docker(
    ...['images', '--filter', label, '--filter', 'label=paas.app', '--format', '{{.Repository}}:{{.Tag}}'],
  )
  const named = known.flatMap(({ releases }) =>
    releases.filter(({ status }) => status !== 'failed').map(({ image }) => image.tag),
  )
  return lines(listed)
    .filter((tag) => !named.includes(tag))
    .map((tag) => `the image ${tag} is of no release`)
}

async function networks(): Promise<string[]> {
  const listed = await docker('network', 'ls', '--filter', label, '--format', '{{.Name}}')
  return lines(listed)
    .filter((name) => name !== instance.bridge)
    .map((name) => `the network ${name} is of nothing`)
}

/** Sources of builds, parts of a push that git had not taken yet, and files that were to take another one's place. */
async function files(): Promise<string[]> {
  const [builds, repos, lib, etc] = await Promise.all(
    [paths.builds, paths.repos, paths.lib, paths.etc].map((folder) =>
      readdir(folder, { recursive: true, withFileTypes: true }),
    ),
  )
  return [
    ...builds!.filter((entry) => entry.isFile() && !entry.name.endsWith('.log')),
    ...repos!.filter(({ name }) => /^tmp_|incoming/.test(name)),
    ...[...lib!, ...etc!].filter(({ name }) => /\.(?:tmp|next|new|part)$/.test(name)),
  ].map(({ parentPath, name }) => `the file ${join(parentPath, name)} is left`)
}
