/**
 * A backup of a PostgreSQL of 1 GB by `paas backups:create`, to an encrypted file on the disk, beside the bare dump
 * tool piped to the same compressor into a file in the same container. Taken in turns, so that whatever else the
 * machine does meets both; both end when all is on the disk. Prints a table; exits 1 where a limit is passed.
 * Needs root, Docker and 5 GB of disk. PAAS_E2E_ROOT names an instance that is there already.
 */
import { readFile, writeFile } from 'node:fs/promises'
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
const mebibyte = 1024 ** 2

try {
  await mustRun(launcher, ['services:create', 'postgres', service])
  const container = (await mustRun('docker', ['ps', '--quiet', '--filter', `name=^/${service}\\.`])).trim()
  await fill()
  const dumped = await bare(container)
  await ours()
  const [mine, theirs, peaks]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < pairs; i++) {
    const saved = async (): Promise<void> => {
      const { seconds, peak } = await ours()
      mine.push(seconds)
      peaks.push(peak)
    }
    const bareOne = async (): Promise<void> => void theirs.push((await bare(container)).seconds)
    for (const one of i % 2 === 0 ? [saved, bareOne] : [bareOne, saved]) await one()
  }
  report(mine, theirs, Math.max(...peaks), dumped.bytes)
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

/** One backup; seconds, and the most memory that the controller had meanwhile. */
async function ours(): Promise<{ seconds: number; peak: number }> {
  const pid = Number.parseInt(await readFile(join(runFolder, 'serve/controller'), 'utf8'), 10)
  await writeFile(`/proc/${pid}/clear_refs`, '5')
  const began = performance.now()
  const { id } = JSON.parse(await mustRun(launcher, ['backups:create', service, '--json'])) as { id: string }
  const seconds = (performance.now() - began) / 1000
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  await mustRun(launcher, ['backups:destroy', id])
  return { seconds, peak: Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024 }
}

async function bare(container: string): Promise<{ seconds: number; bytes: number }> {
  const file = '/var/lib/postgresql/bench.dump'
  const database = (
    await mustRun('docker', [
      ...['exec', container, 'psql', '-At', '--dbname', 'postgres', '--command'],
      `SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')`,
    ])
  ).trim()
  const line = 'set -euo pipefail; pg_dump --dbname="$1" | zstd --quiet -1 --stdout > "$2"; sync "$2"'
  const began = performance.now()
  await mustRun('docker', ['exec', container, 'bash', '-c', line, 'bare', database, file])
  const seconds = (performance.now() - began) / 1000
  const bytes = await mustRun('docker', [
    'exec',
    container,
    'bash',
    '-c',
    'zstd -dc "$1" | wc -c; rm "$1"',
    'size',
    file,
  ])
  return { seconds, bytes: Number(bytes) }
}

function report(mine: number[], theirs: number[], peak: number, bytes: number): void {
  const ratio = median(mine.map((seconds, i) => seconds / theirs[i]!))
  console.log(
    `${(bytes / 1e6).toFixed(0)} MB of SQL\n\n| | median s | fastest | slowest |\n| --- | --: | --: | --: |`,
  )
  for (const [what, all] of [
    ['paas backups:create', mine],
    ['pg_dump \\| zstd -1', theirs],
  ] as const) {
    const numbers = [median(all), Math.min(...all), Math.max(...all)]
    console.log(`| ${what} | ${numbers.map((seconds) => seconds.toFixed(2)).join(' | ')} |`)
  }
  const mebibytes = peak / mebibyte
  console.log(
    `\nratio ${ratio.toFixed(2)} (median of ${mine.length} pairs); the controller's memory at most ${mebibytes.toFixed(0)} MiB`,
  )
  if (ratio > limits.ratio || mebibytes > limits.mebibytes) process.exitCode = 1
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
