import { readFile } from 'node:fs/promises'

/** A TCP socket that a process listens on; `loopback`: reachable only from inside its own container. */
export type ListeningSocket = { port: number; loopback: boolean }

/** Listening TCP sockets in the network namespace of a process, from /proc/PID/net; empty where it is gone. */
export async function listeningSockets(pid: number): Promise<ListeningSocket[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'latin1').catch(() => '')),
  )
  return tables.flatMap(parseSocketTable)
}

const listen = '0A'
/** 127.0.0.11, where the engine itself answers DNS in a container's network namespace. */
const engineDns = '0B00007F'

/** Parses /proc/net/tcp or tcp6 (proc_pid_net(5)): `sl local_address rem_address st …`, addresses as hex words. */
export function parseSocketTable(text: string): ListeningSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local, , state] = line.trim().split(/\s+/)
      if (state !== listen || local === undefined) return []
      const [address, port] = local.split(':') as [string, string]
      if (address === engineDns) return []
      // Words are little-endian: 127.0.0.1 is 0100007F, ::1 ends in 01000000, ::ffff:127.0.0.1 in 0100007F.
      const loopback =
        address.length === 8 ? address.endsWith('7F') : /^0{24}01000000$|^0{16}FFFF0000.{6}7F$/i.test(address)
      return [{ port: Number.parseInt(port, 16), loopback }]
    })
}
