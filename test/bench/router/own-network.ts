import { spawnSync } from 'node:child_process'

const mark = 'BENCH_OWN_NETWORK'

/**
 * Runs this program once more in a network of its own, which has loopback and no rules: those of the machine's firewall,
 * Docker's among them, are asked for each packet, and would be measured with every proxy. True: this is that network.
 * Needs root.
 */
export function inOwnNetwork(): boolean {
  if (process.env[mark] !== undefined) return true
  const script = 'ip link set lo up && exec "$0" "$@"'
  const args = ['--net', 'sh', '-c', script, process.execPath, ...process.argv.slice(1)]
  const { status, error } = spawnSync('unshare', args, {
    stdio: 'inherit',
    env: { ...process.env, [mark]: '1' },
  })
  if (error !== undefined) throw error
  process.exitCode = status ?? 1
  return false
}
