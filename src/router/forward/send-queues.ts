import { readFile } from 'node:fs/promises'
import { type Socket } from 'node:net'
import { canonicalIpv6, plainAddress } from '../http/host.ts'

/** How often at most the kernel is asked, and how much longer than an answer takes it is left alone after it. */
const everyMs = 1000
const restTimes = 50

export type SendQueues = ReturnType<typeof createSendQueues>

/**
 * What the kernel has still to send, or waits for its acknowledgement. It takes more only once a third of what it may hold
 * is free, which is megabytes: a slow reader takes them in minutes, in which Node sees nothing move.
 */
export function createSendQueues(sources: readonly string[] = ['/proc/net/tcp', '/proc/net/tcp6']) {
  let queues: ReadonlyMap<string, number> = new Map()
  let nextAt = 0

  async function read(): Promise<void> {
    nextAt = Infinity
    const began = performance.now()
    const texts = await Promise.all(sources.map((path) => readFile(path, 'latin1').catch(() => '')))
    queues = new Map(texts.flatMap((text) => text.split('\n').flatMap(queueOf)))
    const now = performance.now()
    nextAt = now + Math.max(everyMs, restTimes * (now - began))
  }

  return {
    /** Bytes, as the kernel said last; undefined: none, or not known. */
    of({
      localPort,
      remotePort,
      remoteAddress,
    }: Pick<Socket, 'localPort' | 'remotePort' | 'remoteAddress'>): number | undefined {
      if (performance.now() >= nextAt) void read()
      return queues.get(`${localPort} ${remotePort} ${plainAddress(remoteAddress ?? '')}`)
    },
  }
}

/** A line of /proc/net/tcp or tcp6 (proc_net_tcp.txt of the kernel) that has something to send. */
function queueOf(line: string): [string, number][] {
  const [, localPort, address, remotePort, queue] =
    /^ *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/.exec(line) ?? []
  const bytes = Number.parseInt(queue ?? '0', 16)
  if (bytes === 0) return []
  const ports = [localPort, remotePort].map((port) => Number.parseInt(port!, 16))
  return [[`${ports.join(' ')} ${addressOf(address!)}`, bytes]]
}

/** Words in the machine's order, which is little-endian wherever this runs. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff'
  return isMapped ? bytes.subarray(12).join('.') : canonicalIpv6(groups.join(':'))
}
