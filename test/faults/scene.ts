import { randomBytes } from 'node:crypto'
import { hostOf, instance, paas, probe } from '../support/instance.ts'
import { appName, type Clone, createLaptop, type Files, type Laptop } from '../support/laptop.ts'
import { type Load, startLoad } from '../support/load.ts'
import { eventually } from '../support/process.ts'

/** Two apps that serve while something goes wrong: one that it happens to, and a neighbour. */
export type Scene = AsyncDisposable & {
  laptop: Laptop
  /** Has two web processes, and the canary in its config. */
  app: string
  clone: Clone
  neighbour: string
  canary: string
  /** Files of another version of the app, which says so in every answer; none is ever asked for twice. */
  nextVersion: () => { version: string; files: Files }
  load: () => Load[]
}

/** Requests a second to each of the two. */
const perSecond = 50
const versionFile = (version: string): Files => ({
  'version.js': `export const version = ${JSON.stringify(version)}\n`,
})

export async function setScene(what: string): Promise<Scene> {
  const laptop = await createLaptop(what)
  const [app, neighbour] = [appName(what), appName('neighbour')]
  const canary = `canary-${randomBytes(16).toString('hex')}`
  const clone = await laptop.clone(app)
  await clone.deploy(versionFile(`${app} 0`))
  await (await laptop.clone(neighbour)).deploy(versionFile(`${neighbour} 0`))
  await must(['config:import', '-a', app, '-'], `CANARY=${canary}\n`)
  await must(['scale', '-a', app, 'web=2'])
  for (const name of [app, neighbour]) await eventually(`${name} answers`, 5000, () => probe(name))

  let versions = 0
  const load = (name: string): Load =>
    startLoad({ port: instance.httpPort, host: hostOf(name), perSecond, connections: 8, owner: `${name} ` })
  return {
    laptop,
    app,
    clone,
    neighbour,
    canary,
    nextVersion: () => {
      versions++
      return { version: `${app} ${versions}`, files: versionFile(`${app} ${versions}`) }
    },
    load: () => [load(app), load(neighbour)],
    [Symbol.asyncDispose]: () => laptop[Symbol.asyncDispose](),
  }
}

/** Runs a `paas` command that must succeed. */
export async function must(args: readonly string[], input?: string): Promise<string> {
  const { code, output } = await paas(args, input === undefined ? {} : { input })
  if (code !== 0) throw new Error(`paas ${args.join(' ')} ended with ${code}:\n${output}`)
  return output
}
