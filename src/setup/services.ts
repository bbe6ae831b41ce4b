import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { runOrThrow } from '../lib/run.ts'
import { type Instance } from '../model/instance.ts'
import { type DesiredFile } from './files.ts'
import { answers, eventually } from './machine.ts'
import { target } from './systemd.ts'

/** What the running processes were started with; they are renewed when set-up installs something else. */
export type Generation = { app: string; settings: string }

/** The instance whose processes are meant, and who supervises them. */
export type Services = { instance: Instance; paths: InstancePaths; systemd: boolean }

/** `files`: those that the processes read. */
export function generationOf(appDigest: string, files: readonly DesiredFile[]): Generation {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file.path}\0`).update(file.content).update('\0')
  return { app: appDigest, settings: hash.digest('hex') }
}

/** Do Redis, controller and router answer, and does somebody see to it that they go on? */
export async function servicesAnswer(services: Services): Promise<boolean> {
  return (await answers(services.paths.rootSocket)) && (await trafficFlows(services))
}

/** Everything but the controller, without which traffic flows on. */
async function trafficFlows({ instance, paths, systemd }: Services): Promise<boolean> {
  const up = await Promise.all([
    answers(paths.redisSocket),
    answers(instance.http.port),
    systemd || servePid(paths).then((pid) => pid !== undefined),
  ])
  return up.every(Boolean)
}

/** What the running processes were started with; undefined where none were. */
export async function runningGeneration(paths: InstancePaths): Promise<Generation | undefined> {
  const text = await readFile(generationPath(paths), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Generation)
}

/**
 * Brings the processes to `wanted`: starts them, or after new code renews controller and router without
 * losing a request, or after new settings restarts all. Resolves when they answer.
 */
export async function bringUp(services: Services, wanted: Generation): Promise<void> {
  const { paths, systemd } = services
  const running = (await trafficFlows(services)) ? await runningGeneration(paths) : undefined
  if (running?.settings !== wanted.settings) {
    await (systemd ? restartUnits() : restartServe(services))
  } else if (running.app !== wanted.app || !(await servicesAnswer(services))) {
    // Until all of them answer it is not known what each of them runs: the next time they are renewed again.
    await writeGeneration(paths, { ...wanted, app: '' })
    await (systemd ? renewUnits() : renewServe(paths))
  }
  if (!(await eventually(() => servicesAnswer(services), 60_000))) {
    throw new PaasError('START_FAILED', 'The processes of paas do not all answer after 60 seconds.', {
      hint: systemd ? "See `journalctl -u 'paas-*'`." : `See ${paths.log}/controller.log and router.log.`,
    })
  }
  await writeGeneration(paths, wanted)
}

export async function bringDown({ paths, systemd }: Pick<Services, 'paths' | 'systemd'>): Promise<void> {
  if (!systemd) return stopServe(paths)
  const units = await unitsOfTarget()
  await runOrThrow('systemctl', ['disable', target])
  await runOrThrow('systemctl', ['stop', target, ...units])
}

async function restartUnits(): Promise<void> {
  await runOrThrow('systemctl', ['daemon-reload'])
  await runOrThrow('systemd-tmpfiles', ['--create', '/etc/tmpfiles.d/paas.conf'])
  await runOrThrow('systemctl', ['enable', target])
  await runOrThrow('systemctl', ['restart', target])
}

async function renewUnits(): Promise<void> {
  await runOrThrow('systemctl', ['restart', 'paas-controller.service'])
  await runOrThrow('systemctl', ['reload', 'paas-router.service'])
}

async function unitsOfTarget(): Promise<string[]> {
  const wants = await runOrThrow('systemctl', ['show', '--property=Wants', '--value', target])
  return wants.split(/\s+/).filter((name) => name.startsWith('paas-'))
}

async function restartServe(services: Services): Promise<void> {
  await stopServe(services.paths)
  const log = await open(join(services.paths.log, 'serve.log'), 'a', 0o640)
  const serve = spawn(services.paths.launcher, ['serve'], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
  })
  serve.once('error', () => undefined)
  serve.unref()
  await log.close()
}

/** `paas serve` answers the signal by starting a new controller: it is there when its number has changed. */
async function renewServe(paths: InstancePaths): Promise<void> {
  const serve = await servePid(paths)
  if (serve === undefined) return
  const controller = () => readFile(join(paths.servePids, 'controller'), 'utf8').catch(() => '')
  const previous = await controller()
  process.kill(serve, 'SIGUSR2')
  await eventually(async () => !['', previous].includes(await controller()), 90_000)
}

async function stopServe(paths: InstancePaths): Promise<void> {
  const pid = await servePid(paths)
  if (pid === undefined) return
  process.kill(pid, 'SIGTERM')
  if (await eventually(async () => (await servePid(paths)) === undefined, 120_000)) return
  throw new PaasError('START_FAILED', `\`paas serve\` (process ${pid}) does not stop.`, {
    hint: `End it with \`kill -9 ${pid}\` and run this again.`,
  })
}

/** The process of `paas serve`: it says so in a file, which counts only while that process holds the lock. */
async function servePid(paths: InstancePaths): Promise<number | undefined> {
  const pid = Number(await readFile(join(paths.run, 'serve.pid'), 'utf8').catch(() => ''))
  if (!(pid > 0)) return undefined
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.includes(join(paths.opt, 'app/dist/main/serve.js')) ? pid : undefined
}

function generationPath(paths: InstancePaths): string {
  return join(paths.run, 'generation.json')
}

async function writeGeneration(paths: InstancePaths, generation: Generation): Promise<void> {
  await writeFile(generationPath(paths), JSON.stringify(generation))
}
