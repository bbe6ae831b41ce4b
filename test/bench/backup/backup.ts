/**
 * A backup of a PostgreSQL of 1 GB by `paas backups:create`, to an encrypted file on the disk, beside the bare dump
 * tool piped to the same compressor into a file in the same container. Taken in turns, so that whatever else the
 * machine does meets both; both end when all is on the disk. The last backup is restored. Prints a table; exits 1
 * where a limit is passed. CPU time is that of the container, the controller and Docker. Needs root, Docker and five
 * times the data on the disk. Arguments: how many pairs, how many MB. PAAS_E2E_ROOT names an instance that is there
 * already.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { instancePaths } from '../../../src/lib/paths.ts'
import { setUpPrivateInstance } from '../../support/private-instance.ts'
import { mustRun, run } from '../../support/process.ts'
import { readTestInstance } from '../../support/test-instance.ts'

const pairs = Number(process.argv[2] ?? 5)
const megabytes = Number(process.argv[3] ?? 1000)
const limits = { ratio: 1.2, mebibytes: 200 }
const service = `bench-${process.pid}`
const existing = process.env['PAAS_E2E_ROOT']
const made = existing === undefined ? await setUpPrivateInstance() : undefined
const instance = made?.instance ?? (await readTestInstance(existing!))
const { launcher, run: runFolder } = instancePaths(instance.root)

/** Seconds by the clock and of CPU time, and the most memory that the controller had, in MiB. */
type Cost = { wall: number; cpu: number; peak: number }

try {
  await mustRun(launcher, ['services:create', 'postgres', service])
  const container = (
    await mustRun('docker', ['ps', '--quiet', '--no-trunc', '--filter', `name=^/${service}\\.`])
  ).trim()
  await fill()
  let bytes = 0
  const [mine, theirs]: [Cost[], Cost[]] = [[], []]
  let backup = ''
  for (let i = 0; i < pairs; i++) {
    const saved = async (): Promise<void> => {
      if (backup !== '') await mustRun(launcher, ['backups:destroy', backup])
      const { cost, result } = await measured(container, () =>
        mustRun(launcher, ['backups:create', service, '--json']),
      )
      backup = (JSON.parse(result) as { id: string }).id
      mine.push(cost)
    }
    const bareOne = async (): Promise<void> => {
      const { cost, file } = await bare(container)
      bytes = await forget(container, file)
      theirs.push(cost)
    }
    for (const one of i % 2 === 0 ? [saved, bareOne] : [bareOne, saved]) await one()
  }
  const { cost: restored } = await measured(container, () =>
    mustRun(launcher, ['backups:restore', service, backup]),
  )
  report(mine, theirs, restored, bytes)
} finally {
  const { backups } = JSON.parse(await mustRun(launcher, ['backups:list', '--json'])) as {
    backups: { id: string; of: string }[]
  }
  for (const { id } of backups.filter(({ of }) => of === service))
    await run(launcher, ['backups:destroy', id])
  await run(launcher, ['services:destroy', service, '--confirm', service])
  await made?.remove()
}

/** Rows of words that repeat and of hashes that do not, as data is: about half of it stays when compressed. */
async function fill(): Promise<void> {
  const row = `n, md5(n::text) || md5((n * 7)::text), repeat('some words of text that repeat, row after row; ', 3)`
  const rows = Math.round((megabytes * 1e6) / 218)
  await mustRun(launcher, ['services:connect', service], {
    input: `CREATE TABLE t AS SELECT ${row} FROM generate_series(1, ${rows}) n;\nCHECKPOINT;\n`,
  })
}

async function measured<T>(container: string, task: () => Promise<T>): Promise<{ cost: Cost; result: T }> {
  const pid = (await readFile(join(runFolder, 'serve/controller'), 'utf8')).split(' ')[0]!
  // From here on the peak counts anew.
  await writeFile(`/proc/${pid}/clear_refs`, '5')
  const [began, used] = [performance.now(), await cpuSeconds(container, pid)]
  const result = await task()
  const [wall, cpu] = [(performance.now() - began) / 1000, (await cpuSeconds(container, pid)) - used]
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024
  return { cost: { wall, cpu, peak }, result }
}

async function cpuSeconds(container: string, controller: string): Promise<number> {
  const url = `http://docker/containers/${container}/stats?stream=false&one-shot=true`
  const stats = JSON.parse(
    await mustRun('curl', ['--silent', '--unix-socket', instance.dockerSocket, url]),
  ) as { cpu_stats: { cpu_usage: { total_usage: number } } }
  let seconds = stats.cpu_stats.cpu_usage.total_usage / 1e9
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [, name, rest] = /^\d+ \((.*)\) (.*)/.exec(
      await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    ) ?? ['', '', '']
    const ours = pid === controller || name === 'dockerd' || name === 'containerd'
    if (!ours && !(name.startsWith('containerd-shim') && (await commandLine(pid)).includes(container)))
      continue
    const [user, system] = rest.split(' ').slice(11, 13).map(Number)
    seconds += (user! + system!) / 100
  }
  return seconds
}

function commandLine(pid: string): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
}

async function bare(container: string): Promise<{ cost: Cost; file: string }> {
  const file = '/var/lib/postgresql/bench.dump'
  const database = (
    await mustRun('docker', [
      ...['exec', container, 'psql', '-At', '--dbname', 'postgres', '--command'],
      `SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')`,
    ])
  ).trim()
  const line = 'set -euo pipefail; pg_dump --dbname="$1" | zstd --quiet -1 --stdout > "$2"; sync "$2"'
  const { cost } = await measured(container, () =>
    mustRun('docker', ['exec', container, 'bash', '-c', line, 'bare', database, file]),
  )
  return { cost, file }
}

/** Removes a bare dump; resolves to how many bytes of SQL it was. */
async function forget(container: string, file: string): Promise<number> {
  const line = 'zstd -dc "$1" | wc -c; rm "$1"'
  return Number(await mustRun('docker', ['exec', container, 'bash', '-c', line, 'size', file]))
}

function report(mine: Cost[], theirs: Cost[], restored: Cost, bytes: number): void {
  console.log(
    `${(bytes / 1e6).toFixed(0)} MB of SQL\n\n| | median s | fastest | slowest | CPU s |\n| --- | --: | --: | --: | --: |`,
  )
  for (const [what, all] of [
    ['paas backups:create', mine],
    ['pg_dump \\| zstd -1', theirs],
    ['paas backups:restore', [restored]],
  ] as const) {
    const walls = all.map(({ wall }) => wall)
    const numbers = [median(walls), Math.min(...walls), Math.max(...walls), median(all.map(({ cpu }) => cpu))]
    console.log(`| ${what} | ${numbers.map((seconds) => seconds.toFixed(2)).join(' | ')} |`)
  }
  const ratioOf = (of: 'wall' | 'cpu'): number => median(mine.map((cost, i) => cost[of] / theirs[i]![of]))
  const peak = Math.max(...mine.map((cost) => cost.peak))
  console.log(
    `\nratio ${ratioOf('wall').toFixed(2)}, of CPU time ${ratioOf('cpu').toFixed(2)} (medians of ${mine.length} pairs); ` +
      `the controller's memory at most ${peak.toFixed(0)} MiB, in the restore ${restored.peak.toFixed(0)} MiB`,
  )
  if (ratioOf('wall') > limits.ratio || Math.max(peak, restored.peak) > limits.mebibytes) process.exitCode = 1
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
