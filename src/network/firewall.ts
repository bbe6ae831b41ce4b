import { PaasError } from '../errors/paas-error.ts'
import { run } from '../lib/run.ts'

/**
 * Keeps containers on our bridge off the host's own ports (but DNS) and off the cloud's metadata service,
 * which hands out credentials to whoever asks. Replies to the router's connections pass. Rules are checked
 * before they are added, so calling this again changes nothing.
 */
export async function guardHost(bridge: string): Promise<void> {
  const input = [
    ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT'],
    ['-p', 'udp', '--dport', '53', '-j', 'ACCEPT'],
    ['-p', 'tcp', '--dport', '53', '-j', 'ACCEPT'],
    ['-j', 'DROP'],
  ]
  // Each goes in front, so the last of them is put in first.
  for (const rule of input.toReversed()) await ensureRule('INPUT', ['-i', bridge, ...rule])
  await ensureRule('FORWARD', ['-i', bridge, '-d', '169.254.169.254/32', '-j', 'DROP'])
}

/** Takes back what `guardHost` did. */
export async function unguardHost(bridge: string): Promise<void> {
  const { stdout } = await run('iptables-save', ['-t', 'filter'])
  const ours = stdout
    .split('\n')
    .filter((line) => /^-A (?:INPUT|FORWARD) /.test(line) && line.includes(`-i ${bridge} `))
  for (const line of ours) await iptables(['-D', ...line.split(' ').slice(1)])
}

async function ensureRule(chain: string, rule: string[]): Promise<void> {
  const { code } = await run('iptables', ['-w', '5', '-C', chain, ...rule])
  if (code !== 0) await iptables(['-I', chain, '1', ...rule])
}

async function iptables(args: string[]): Promise<void> {
  const { code, stderr } = await run('iptables', ['-w', '5', ...args])
  if (code === 0) return
  throw new PaasError('INTERNAL', `iptables ${args.join(' ')} failed: ${stderr.trim()}`, {
    hint: 'Is iptables installed? Containers must not reach the ports of the host.',
  })
}
