import { spawn } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { childrenOf } from './proc.ts'
import { eventually, mustRun, run } from './process.ts'

/**
 * A machine within this one: PID and mount namespaces of its own, and in them a Docker Engine of its own that shares
 * nothing with the machine's but the kernel and the network. What is in its folder is its disk, which outlives its
 * processes; the engine's data are on a small disk of their own.
 */
export type Machine = {
  folder: string
  socket: string
  /** Where the engine's disk is, as seen inside. */
  dockerData: string
  /** Words that run what follows them inside. */
  inside: () => string[]
  powerOn: () => Promise<void>
  /** All of its processes end at once, as when the power goes. */
  powerOff: () => Promise<void>
  /** Resolves when it answers. After a kill -9 it may take two starts, as any supervisor gives it. */
  startDocker: (options?: { liveRestore?: boolean }) => Promise<void>
  /** Ends dockerd alone, without a chance to tidy up. */
  killDocker: () => Promise<void>
  remove: () => Promise<void>
}

const dockerBytes = 8 * 1024 ** 3

/** The machine whose disk is in this folder; `remove` also takes the network bridge away that it makes. */
export function machineIn(folder: string): Machine {
  const socket = join(folder, 'docker.sock')
  const pidFile = join(folder, 'docker.pid')
  const initFile = join(folder, 'init')
  const dockerData = join(folder, 'docker')
  const dockerDisk = join(folder, 'docker.img')
  // Fifteen characters at most.
  const bridge = `pm${folder.slice(-6).toLowerCase()}`

  const init = (): number => Number(readFileSync(initFile, 'utf8'))
  const inside = (): string[] => ['nsenter', `--target=${init()}`, '--pid', '--mount', '--']
  const answers = async (): Promise<boolean> =>
    (await run('docker', ['--host', `unix://${socket}`, 'version'])).code === 0

  async function powerOn(): Promise<void> {
    await mkdir(folder, { recursive: true })
    // Without an address of its own an engine cannot run the steps of a build.
    await mustRun('ip', ['link', 'add', bridge, 'type', 'bridge'])
    await mustRun('ip', ['address', 'add', '10.254.77.1/24', 'dev', bridge])
    await mustRun('ip', ['link', 'set', bridge, 'up'])
    // The first process inside, which reaps what others leave behind.
    const reap = 'while :; do sleep 1000 & wait $!; done'
    const args = ['--pid', '--fork', '--mount', '--mount-proc', '--kill-child', 'bash', '-c', reap]
    const shell = spawn('unshare', args, { stdio: 'ignore', detached: true })
    shell.unref()
    const first = await eventually('it is on', 5000, async () => (await childrenOf(shell.pid!))[0])
    await writeFile(initFile, String(first))
    // As full as what is on it: a file with holes.
    if (!existsSync(dockerDisk)) {
      await mkdir(dockerData)
      await writeFile(dockerDisk, '')
      await truncate(dockerDisk, dockerBytes)
      await mustRun('mkfs.ext4', ['-q', '-m', '0', dockerDisk])
    }
    const [enter, ...within] = inside()
    await mustRun(enter!, [...within, 'mount', '-o', 'loop', dockerDisk, dockerData])
  }

  async function powerOff(): Promise<void> {
    const first = existsSync(initFile) ? init() : 0
    if (first > 0) {
      process.kill(first, 'SIGKILL')
      await eventually('it is off', 30_000, async () => !existsSync(`/proc/${first}/exe`))
    }
    // What a restart of a machine takes away: its interfaces, and what is in /run.
    await run('ip', ['link', 'delete', bridge])
    for (const gone of [initFile, socket, pidFile, join(folder, 'exec')])
      await rm(gone, { recursive: true, force: true })
  }

  async function dockerPid(): Promise<number | undefined> {
    for (const name of await readdir('/proc')) {
      const words = (await readFile(join('/proc', name, 'cmdline'), 'latin1').catch(() => '')).split('\0')
      if (words[0] === 'dockerd' && words.includes(`unix://${socket}`)) return Number(name)
    }
    return undefined
  }

  return {
    folder,
    socket,
    dockerData,
    inside,
    powerOn,
    powerOff,
    async startDocker({ liveRestore = false } = {}) {
      const [program, ...args] = [
        ...inside(),
        'dockerd',
        ...['--data-root', dockerData, '--exec-root', join(folder, 'exec'), '--pidfile', pidFile],
        ...['--host', `unix://${socket}`, '--cgroup-parent', `/${bridge}`, '--bridge', bridge],
        ...['--iptables=false', '--ip-masq=false', '--userland-proxy=false'],
        ...(liveRestore ? ['--live-restore'] : []),
      ]
      for (let attempt = 1; attempt <= 5; attempt++) {
        const log = openSync(join(folder, 'dockerd.log'), 'a')
        const child = spawn(program!, args, { detached: true, stdio: ['ignore', log, log] })
        child.unref()
        const end = await eventually('dockerd answers', 60_000, async () =>
          child.exitCode !== null ? 'ended' : (await answers()) ? 'up' : undefined,
        )
        if (end === 'up') return
      }
      throw new Error(`dockerd does not start:\n${await readFile(join(folder, 'dockerd.log'), 'utf8')}`)
    },
    async killDocker() {
      const pid = await dockerPid()
      if (pid === undefined) throw new Error('no dockerd runs')
      process.kill(pid, 'SIGKILL')
      await eventually('dockerd is gone', 5000, async () => !existsSync(`/proc/${pid}/exe`))
    },
    async remove() {
      await powerOff()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
