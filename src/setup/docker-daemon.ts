import { spawn } from 'node:child_process'
import { mkdir, open, readFile, readlink } from 'node:fs/promises'
import { request } from 'node:http'
import { basename, dirname } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { run } from '../lib/run.ts'
import { eventually, systemdRuns } from './machine.ts'
import { type Report } from './step.ts'

/** Where the machine's own engine listens: the only one that is ever started or stopped by us. */
export const defaultDockerSocket = '/var/run/docker.sock'

/** Does a Docker Engine answer on the socket? */
export async function dockerAnswers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 3000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.once('timeout', () => ping.destroy())
    ping.once('error', () => resolve(false))
    ping.end()
  })
}

/**
 * Sees that a Docker Engine answers: through systemd where it runs, else by a `dockerd` of its own session,
 * which outlives its starter, because every instance on the machine shares it. After a kill -9 its first
 * start can fail on what is left of its containerd, so it is tried again.
 *
 * An engine on a socket of somebody's choice is theirs to start.
 *
 * Resolves to whether it had to be started. Throws DOCKER_UNREACHABLE.
 */
export async function ensureDocker(socketPath: string, logFile: string): Promise<'running' | 'started'> {
  if (await dockerAnswers(socketPath)) return 'running'
  if (socketPath !== defaultDockerSocket) {
    throw new PaasError('DOCKER_UNREACHABLE', `The Docker Engine does not answer on ${socketPath}.`, {
      hint: 'Start it: paas sees to the one on /var/run/docker.sock only.',
    })
  }
  for (let attempt = 0; attempt < 3; attempt++) {
    await startDocker(logFile)
    if (await eventually(() => dockerAnswers(socketPath), 15_000)) return 'started'
  }
  throw new PaasError('DOCKER_UNREACHABLE', `The Docker Engine does not answer on ${socketPath}.`, {
    hint: (await systemdRuns()) ? 'See `journalctl -u docker`.' : `See ${logFile}.`,
  })
}

/** Stops the engine that `ensureDocker` started. */
export async function stopDocker(report: Report): Promise<void> {
  report('-----> Stopping the Docker Engine')
  if (await systemdRuns()) {
    await run('systemctl', ['disable', '--now', 'docker.service', 'docker.socket'])
    return
  }
  const pid = Number(await readFile('/run/docker.pid', 'utf8').catch(() => ''))
  // A zombie that nobody reaps has no program any more.
  const program = () => readlink(`/proc/${pid}/exe`).catch(() => '')
  const runs = async () => basename(await program()) === 'dockerd'
  if (!(pid > 0) || !(await runs())) return
  process.kill(pid, 'SIGTERM')
  await eventually(async () => !(await runs()), 30_000)
}

async function startDocker(logFile: string): Promise<void> {
  if (await systemdRuns()) {
    await run('systemctl', ['enable', '--now', 'docker.service'])
    return
  }
  await mkdir(dirname(logFile), { recursive: true })
  const log = await open(logFile, 'a', 0o640)
  const daemon = spawn('dockerd', [], { detached: true, stdio: ['ignore', log.fd, log.fd], cwd: '/' })
  daemon.once('error', () => undefined)
  daemon.unref()
  await log.close()
}
