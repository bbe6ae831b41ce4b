/**
 * How long every kind of command takes with 50 apps of two web processes each, beside one such app: the limit is twice.
 * And what the controller takes then, at most 250 MiB. Exits 1 where either is more. `node commands.ts 20` measures
 * another number of apps. Needs root and Docker.
 */
import { instancePaths } from '../../../src/lib/paths.ts'
import { setUpPrivateInstance } from '../../support/private-instance.ts'
import { mustRun } from '../../support/process.ts'
import { growingFleet } from './fleet.ts'
import { median, memory, processesOf } from './usage.ts'

const limits = { ratio: 2, controllerMiB: 250 }
const processes = 2
const size = Number(process.argv[2] ?? 50)

const made = await setUpPrivateInstance()
const { instance } = made
const paths = instancePaths(instance.root)
const paas = (...args: string[]): Promise<string> => mustRun(paths.launcher, args)
const fleet = await growingFleet(instance, processes)

/** What is measured, on the first app; each leaves things as they are, or as something that can be changed again. */
function commands(app: string): Record<string, () => Promise<unknown>> {
  let change = 0
  const of = (...args: string[]) => [...args, '-a', app]
  const reading = [
    ['apps:list'],
    of('apps:info'),
    of('ps'),
    of('config'),
    of('domains'),
    of('releases'),
    of('builds'),
    of('logs', '-n', '100'),
    of('checks:report'),
    of('cron:list'),
    ['keys:list'],
    ['routes:list'],
    ['router:stats'],
    ['services:list'],
    ['events'],
    ['doctor'],
  ]
  return {
    ...Object.fromEntries(reading.map((args) => [args[0]!, () => paas(...args)])),
    'config:set': () => paas(...of('config:set', `CHANGE=${change++}`)),
    scale: () => paas(...of('scale', `web=${processes + (change++ % 2)}`)),
    'ps:restart': () => paas(...of('ps:restart')),
    rollback: () => paas(...of('rollback')),
    'run true': () => paas('run', '-a', app, '--', 'true'),
    'git push': () => fleet.push(),
  }
}

async function measure(): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const [name, command] of Object.entries(commands(fleet.names[0]!))) {
    await command()
    found.set(name, await median(5, command))
  }
  return found
}

try {
  await fleet.growTo(1)
  const alone = await measure()
  await fleet.growTo(size)
  const among = await measure()
  const controller = await memory(await processesOf(paths, 'controller'))
  console.log(`| command | 1 app ms | ${size} apps ms | ratio |`)
  console.log('| --- | --: | --: | --: |')
  for (const [name, before] of alone) {
    const after = among.get(name)!
    console.log(`| ${name} | ${before.toFixed(0)} | ${after.toFixed(0)} | ${(after / before).toFixed(2)} |`)
    if (after > before * limits.ratio) process.exitCode = 1
  }
  console.log(`\nController: ${controller.rss.toFixed(0)} MiB resident.`)
  if (controller.rss > limits.controllerMiB) process.exitCode = 1
} finally {
  await made.remove()
  await fleet.remove()
}
