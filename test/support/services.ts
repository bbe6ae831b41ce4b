import { get, hostOf, instance } from './instance.ts'
import { containersOf } from './docker.ts'
import { eventually, isGone, mustRun, run } from './process.ts'

/** The container of a service's server. */
export async function serverContainer(name: string): Promise<string> {
  const filters = [`label=paas.instance=${instance.name}`, 'label=paas.role=server', `name=^/${name}\\.`]
  const ids = await mustRun('docker', ['ps', '--quiet', ...filters.flatMap((filter) => ['--filter', filter])])
  return ids.trim()
}

/** Kills the server with all that it runs; resolves once nothing of it can answer any more. */
export async function killServer(name: string): Promise<void> {
  const format = '{{.State.Pid}}'
  const pid = Number(await mustRun('docker', ['inspect', '--format', format, await serverContainer(name)]))
  process.kill(pid, 'SIGKILL')
  // The first process of a container ends after all others, which is a while after the signal on a busy machine.
  await eventually(`${name} is gone`, 10_000, () => isGone(pid))
}

/** Names of the networks that the running containers of an app are on. */
export async function networksOf(app: string): Promise<string[]> {
  const ids = await containersOf(app)
  // One that goes meanwhile is left out.
  const { stdout } = await run('docker', [
    ...['inspect', '--format', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}'],
    ...ids,
  ])
  return [...new Set(stdout.trim().split(/\s+/))]
}

/** Runs JavaScript in the newest container of an app, where its modules are. */
async function inApp(app: string, script: string, ...args: string[]): Promise<boolean> {
  const filters = ['--filter', `label=paas.instance=${instance.name}`, '--filter', `name=^/${app}\\.`]
  const container = (await mustRun('docker', ['ps', '--quiet', '--latest', ...filters])).trim()
  const program = ['node', '--input-type=module', '--eval', script, ...args]
  return (await run('docker', ['exec', container, ...program])).code === 0
}

/** Whether an app made of test/apps/node-store gets into a service with this URL. */
export const opens = (app: string, url: string): Promise<boolean> =>
  inApp(
    app,
    `const { stores } = await import('./stores.js')
await stores[new URL(process.argv[1]).protocol.slice(0, -1)].list(process.argv[1])
process.exit(0)`,
    url,
  )

/** Whether a container of an app can connect there. */
export const reaches = (app: string, host: string, port: number): Promise<boolean> =>
  inApp(
    app,
    `const { connect } = await import('node:net')
connect({ host: process.argv[1], port: Number(process.argv[2]) })
  .once('connect', () => process.exit(0))
  .once('error', () => process.exit(1))
setTimeout(() => process.exit(2), 3000)`,
    host,
    String(port),
  )

/** Address of a service's server on its own network. */
export async function addressOf(name: string): Promise<string> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  return (await mustRun('docker', ['inspect', '--format', format, await serverContainer(name)])).trim()
}

/** What an app made of test/apps/node-store reads from and writes to the service of a config var. */
export const storeOf = (app: string) => ({
  ask: async (variable: string): Promise<string[]> => {
    const { status, body } = await get(hostOf(app), `/${variable}`)
    if (status !== 200) throw new Error(`${variable}: ${status} ${body}`)
    return body.trim().split('\n')
  },
  write: async (variable: string, text: string): Promise<void> => {
    const url = `http://127.0.0.1:${instance.httpPort}/${variable}`
    const answer = await mustRun('curl', [
      '-sf',
      '-X',
      'PUT',
      '-H',
      `Host: ${hostOf(app)}`,
      '--data',
      text,
      url,
    ])
    if (answer !== 'added\n') throw new Error(`${variable}: ${answer}`)
  },
})
