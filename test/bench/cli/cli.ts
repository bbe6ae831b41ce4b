/**
 * What the command line costs, each command beside the least that could stand in its place, taken in turns so
 * that whatever else the machine does meets both. Prints a table; exits 1 where a limit is passed.
 * Needs root (it makes an OS user for its sshd) and `npm run build`.
 */
import { copyFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { mustRun, type SshRig, startSshRig } from '../../support/ssh-rig.ts'

const rounds = Number(process.argv[2] ?? 40)
const client = resolve(process.argv[3] ?? join(import.meta.dirname, '../../../dist/main/client.cjs'))

type Run = { program: string; args: string[]; env?: NodeJS.ProcessEnv }
type Pair = { what: string; than: string; limitMs: number | undefined; ours: Run; theirs: Run }

await using rig = await startSshRig({ client })
const keyFile = await rig.key('bench', 'admin')
for (const app of ['blog', 'shop', 'mail']) await rig.ssh(keyFile, ['apps:create', app])
// A key that no forced command holds, for the plain `true`.
const plainKey = await rig.keyFile('plain')
await copyFile(`${plainKey}.pub`, join(rig.folder, 'plain_keys'))

const pairs: Pair[] = [
  {
    what: 'paas apps:list',
    than: 'node -e 0',
    limitMs: 15,
    ours: { program: rig.paths.launcher, args: ['apps:list'] },
    theirs: { program: process.execPath, args: ['-e', '0'] },
  },
  {
    what: 'ssh host apps:list',
    than: 'ssh host true',
    limitMs: 120,
    ours: overSsh(rig, keyFile, 'apps:list'),
    theirs: overSsh(rig, plainKey, 'true'),
  },
  {
    what: 'paas apps:list (laptop)',
    than: 'ssh host true',
    limitMs: undefined,
    ours: {
      program: process.execPath,
      args: [client, 'apps:list'],
      env: { ...rig.gitEnv(keyFile), PAAS_HOST: `${rig.user}@127.0.0.1`, PAAS_PORT: String(rig.port) },
    },
    theirs: overSsh(rig, plainKey, 'true'),
  },
]

console.log(`Node ${process.version}, ${rounds} pairs each, milliseconds, medians\n`)
console.log('| command | against | ours | theirs | difference | ratio | limit |')
console.log('| --- | --- | --: | --: | --: | --: | --: |')
for (const pair of pairs) {
  const { ours, theirs, difference } = await measure(pair)
  const over = pair.limitMs !== undefined && difference > pair.limitMs
  if (over) process.exitCode = 1
  const limit = pair.limitMs === undefined ? '' : `${pair.limitMs}${over ? ' **passed**' : ''}`
  const cells = [ours, theirs, difference].map((value) => value.toFixed(1))
  console.log(`| ${[pair.what, pair.than, ...cells, (ours / theirs).toFixed(2), limit].join(' | ')} |`)
}

/** Medians of both, and the median of the differences within each pair. */
async function measure({
  ours,
  theirs,
}: Pair): Promise<{ ours: number; theirs: number; difference: number }> {
  const samples: [number, number][] = []
  for (let round = -3; round < rounds; round++) {
    // Who is first changes, so that neither always runs in the other's wake.
    const swapped = round % 2 !== 0
    const first = await time(swapped ? theirs : ours)
    const second = await time(swapped ? ours : theirs)
    // The first rounds only warm the file cache and the compile cache.
    if (round >= 0) samples.push(swapped ? [second, first] : [first, second])
  }
  return {
    ours: median(samples.map(([a]) => a)),
    theirs: median(samples.map(([, b]) => b)),
    difference: median(samples.map(([a, b]) => a - b)),
  }
}

async function time({ program, args, env }: Run): Promise<number> {
  const started = performance.now()
  await mustRun(program, args, env === undefined ? {} : { env })
  return performance.now() - started
}

function overSsh(server: SshRig, key: string, command: string): Run {
  const target = ['-p', String(server.port), `${server.user}@127.0.0.1`, command]
  return { program: 'ssh', args: [...server.sshOptions(key), ...target] }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
