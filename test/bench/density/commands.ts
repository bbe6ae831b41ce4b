/**
 * How long every command that reads, and the common ones that change something, take with 50 apps of two web processes
 * each, beside one such app: the limit is twice. And what the controller takes then, at most 250 MiB. Exits 1 where
 * either is more. `node commands.ts 20` measures another number of apps. Needs root and Docker.
 */
import { instancePaths } from '../../../src/lib/paths.ts'
import { setUpPrivateInstance } from '../../support/private-instance.ts'
import { mustRun } from '../../support/process.ts'
import { changingLines, configVar, type Measured, readingLines, type Scene } from './command-lines.ts'
import { growingFleet } from './fleet.ts'
import { median, memory, processesOf } from './usage.ts'

const rounds = 5
const limits = { ratio: 2, controllerMiB: 250 }
const processes = 2
const size = Number(process.argv[2] ?? 50)

const made = await setUpPrivateInstance()
const { instance } = made
const paths = instancePaths(instance.root)
const paas = (...args: string[]): Promise<string> => mustRun(paths.launcher, args)
const fleet = await growingFleet(instance, processes)
let turn = 1

/** Milliseconds of every command, on the first app; medians. */
async function measure(scene: Scene): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const { line } of readingLines(scene)) found.set(line[0]!, await time(() => ({ line })))
  for (const make of changingLines(scene)) {
    const name = make(0).line[0]!
    // Some show what they would change where they are told nothing.
    found.set(found.has(name) ? `${name} …` : name, await time(() => make(turn++)))
  }
  found.set('git push', await median(rounds, () => fleet.push()))
  return found
}

/** The first run does not count. */
async function time(next: () => Measured): Promise<number> {
  const took: number[] = []
  for (let i = 0; i <= rounds; i++) {
    const { before, line } = next()
    if (before !== undefined) await paas(...before)
    const began = performance.now()
    await paas(...line)
    took.push(performance.now() - began)
  }
  return took.slice(1).sort((a, b) => a - b)[Math.floor(rounds / 2)]!
}

try {
  await fleet.growTo(1)
  const scene = {
    app: fleet.names[0]!,
    processes,
    service: 'bench',
    source: fleet.source,
    key: fleet.spareKey,
  }
  await paas('services:create', 'redis', scene.service)
  await paas('config:set', '-a', scene.app, `${configVar}=1`)
  const alone = await measure(scene)
  await fleet.growTo(size)
  const among = await measure(scene)
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
