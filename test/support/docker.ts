import { instance } from './instance.ts'
import { mustRun } from './process.ts'

const label = `label=paas.instance=${instance.name}`

/** Asks the instance's engine. */
export function docker(...args: string[]): Promise<string> {
  return mustRun('docker', ['--host', `unix://${instance.dockerSocket}`, ...args])
}

/** A line each, sorted; empty where there is nothing. */
async function lines(...args: string[]): Promise<string[]> {
  return (await docker(...args)).split('\n').filter(Boolean).sort()
}

/** Ids of all containers of the instance that run. */
export function runningContainers(): Promise<string[]> {
  return lines('ps', '--quiet', '--no-trunc', '--filter', label)
}

/** Ids of an app's containers that run, or with `all` of every one. Apps are named by their containers' names. */
export function containersOf(app: string, options: { all?: boolean; type?: string } = {}): Promise<string[]> {
  return lines(
    ...['ps', '--quiet', '--no-trunc', '--filter', label, '--filter', `name=^/${app}\\.`],
    ...(options.all === true ? ['--all'] : []),
    ...(options.type === undefined ? [] : ['--filter', `label=paas.type=${options.type}`]),
  )
}

export async function inspect<T>(id: string): Promise<T> {
  return (JSON.parse(await docker('inspect', id)) as [T])[0]
}

/** Everything in Docker that bears the instance's label: what a failed deploy must leave as it was. */
export async function engineObjects(): Promise<{
  containers: string[]
  images: string[]
  networks: string[]
}> {
  const [containers, images, networks] = await Promise.all([
    lines('ps', '--all', '--filter', label, '--format', '{{.Names}}'),
    lines('images', '--filter', label, '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'),
    lines('network', 'ls', '--filter', label, '--format', '{{.Name}}'),
  ])
  return { containers, images, networks }
}
