import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import { messageOf } from '../errors/paas-error.ts'
import { instancePaths } from '../lib/paths.ts'
import { reopenRouterLogs } from '../router/control.ts'
import { readInstance } from '../setup/read-instance.ts'
import { keepRunning, type Child } from '../serve/child.ts'
import { endLeftovers } from '../serve/leftovers.ts'
import { rotate, rotateWith } from '../serve/log-files.ts'
import { processes } from '../serve/processes.ts'
import { readAccounts } from '../setup/accounts.ts'
import { dockerAnswers, ensureDocker } from '../setup/docker-daemon.ts'
import { putDirectory } from '../setup/files.ts'
import { runDirectories } from '../setup/layout.ts'
import { answers, eventually, exists, systemdRuns } from '../setup/machine.ts'
import { target, unitFolder } from '../setup/systemd.ts'

/**
 * `paas serve`: runs Redis, the controller, the router, and sshd and dockerd where nothing else does, for
 * machines without systemd. SIGTERM stops all in order; SIGHUP rotates logs and lets the router reload;
 * SIGUSR2 takes over newly installed code without losing a request.
 */
const maxLogBytes = 16 * 1024 * 1024
const lookEveryMs = 5000
const output = pino.destination(1)
// A full disk must not end the one process that keeps the others running.
output.on('error', () => undefined)
const log = pino({ base: { process: 'serve' } }, output)
const root = process.env.PAAS_ROOT ?? '/'
const paths = instancePaths(root)

const instance = await readInstance(paths)
if (!instance) {
  process.stderr.write(`paas: there is no instance at ${root}. Set one up with bin/setup.\n`)
  process.exit(1)
}
if (root === '/' && (await exists(join(unitFolder, target))) && (await systemdRuns())) {
  process.stderr.write('paas: systemd runs the processes of this machine. See systemctl status paas.target\n')
  process.exit(1)
}
const dockerSocket = instance.dockerSocket
const accounts = await readAccounts()
const specs = processes(root, instance, paths, { accounts, privateSshd: await exists(paths.sshdConfig) })
const stopOrder = specs.map((spec) => spec.name).reverse()

for (const directory of runDirectories(instance, paths)) await putDirectory(directory, accounts)
// It stays when we end: whoever reads it asks whether the process is still there.
writeFileSync(join(paths.run, 'serve.pid'), `${process.pid}\n`)
const ended = await endLeftovers(paths.servePids, stopOrder, 60_000)
if (ended.length > 0) log.warn({ ended }, 'ended processes that an earlier one had left behind')

const running = new Map<string, Child>()
const stopped = new AbortController()
// Signals are heard from here on, also while the processes are being started.
process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())
process.on('SIGHUP', () => void reload())
process.on('SIGUSR2', () => void renew())

await seeToDocker()
// sshd's privilege separation needs the folder, and a restart of the machine removes it.
mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
for (const spec of specs) {
  if (stopped.signal.aborted) break
  running.set(spec.name, keepRunning(spec, log))
  // The others cannot do anything before Redis answers; they themselves may start together.
  if (spec.name === 'redis') await eventually(() => answers(paths.redisSocket), 30_000)
}
log.info({ processes: [...running.keys()] }, 'started')

while (await setTimeout(lookEveryMs, true, { signal: stopped.signal }).catch(() => false)) {
  await rotateAll()
  await seeToDocker()
}

async function seeToDocker(): Promise<void> {
  if (await dockerAnswers(dockerSocket)) return
  try {
    const outcome = await ensureDocker(dockerSocket, join(paths.log, 'dockerd.log'))
    if (outcome === 'started') log.warn('started the Docker Engine')
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'the Docker Engine cannot be started')
  }
}

async function rotateAll(): Promise<void> {
  const failed = (file: string) => (error: unknown) =>
    log.error({ file, reason: messageOf(error) }, 'a log cannot be rotated')
  for (const { logFile } of specs) await rotate(logFile, maxLogBytes).catch(failed(logFile))
  const { accessLog, routerSocket } = paths
  const reopen = (): Promise<void> => reopenRouterLogs(routerSocket)
  await rotateWith(reopen, accessLog, maxLogBytes).catch(failed(accessLog))
}

async function reload(): Promise<void> {
  await rotateAll()
  for (const child of running.values()) if (child.spec.reloadSignal) child.signal(child.spec.reloadSignal)
}

/** Redis stays; whatever can reload does; the controller, without which traffic flows on, starts anew. */
async function renew(): Promise<void> {
  await reload()
  await running.get('controller')?.restart()
}

async function stop(): Promise<void> {
  if (stopped.signal.aborted) return
  stopped.abort()
  for (const name of stopOrder) await running.get(name)?.stop()
  log.info('stopped')
  process.exit(0)
}
