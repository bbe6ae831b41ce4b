import { instance } from './instance.ts'
import { containersOf } from './docker.ts'
import { mustRun } from './process.ts'

/** The process on the host of a service's server. */
export async function serverPid(name: string): Promise<number> {
  const filters = [`label=paas.instance=${instance.name}`, 'label=paas.role=server', `name=^/${name}\\.`]
  const ids = await mustRun('docker', ['ps', '--quiet', ...filters.flatMap((filter) => ['--filter', filter])])
  return Number(await mustRun('docker', ['inspect', '--format', '{{.State.Pid}}', ids.trim()]))
}

/** Names of the networks that the running containers of an app are on. */
export async function networksOf(app: string): Promise<string[]> {
  const ids = await containersOf(app)
  const names = await mustRun('docker', [
    ...['inspect', '--format', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}'],
    ...ids,
  ])
  return [...new Set(names.trim().split(/\s+/))]
}
