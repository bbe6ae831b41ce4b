import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { readTlsFiles } from './accepted-files.ts'
import { acceptClient } from './client/accept.ts'
import { readPushed, userBufferReader } from './client/reading.ts'
import { type Plane } from './forward/plane.ts'
import { type ListenAddress, type RouterSettings } from './settings.ts'

/** Opens all listeners; rejects when one of them cannot be had. */
export async function openListeners(settings: RouterSettings, plane: Plane) {
  const reader = (settings.fastPath ? userBufferReader(plane.buffers.shared) : undefined) ?? readPushed
  const servers: Server[] = []
  let handshaking = 0
  for (const listen of settings.listen) {
    const listener = {
      proto: listen.tls === undefined ? ('http' as const) : ('https' as const),
      port: listen.port,
      proxyProtocol: settings.proxyProtocol && listen.tls === undefined,
      reader: listen.tls === undefined ? reader : readPushed,
    }
    const accept = (socket: Socket): void => acceptClient(socket, plane, listener)
    const server = createFor(listen, settings.pem, accept)
    if (listen.tls !== undefined) {
      server.on('connection', () => (handshaking += 1))
      for (const end of ['secureConnection', 'tlsClientError']) server.on(end, () => (handshaking -= 1))
    }
    servers.push(server)
    await open(server, listen, settings.listen)
  }
  return {
    /** Connections of TLS that are not clients yet. */
    handshaking: (): number => handshaking,
    close(): void {
      for (const server of servers) server.close()
    },
  }
}

/**
 * Opens every listener once, before there are workers that would fail at it again and again. None is closed before all
 * are open, as some can be had alone but not beside each other. Throws START_FAILED, or INVALID_INPUT for a file that
 * cannot be read, with what to do.
 */
export async function tryListeners({ listen: all }: Pick<RouterSettings, 'listen'>): Promise<void> {
  const opened: Server[] = []
  try {
    for (const listen of all) opened.push(await tried(listen, all))
  } catch (cause) {
    if (cause instanceof PaasError) throw cause
    const listen = all[opened.length]!
    const hint = hintFor(cause, listen, all.slice(0, opened.length))
    const message = `The router cannot listen on ${addressText(listen)}: ${messageOf(cause)}.`
    throw new PaasError('START_FAILED', message, { cause, ...(hint !== undefined && { hint }) })
  } finally {
    await Promise.all(opened.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

async function tried(listen: ListenAddress, all: ListenAddress[]): Promise<Server> {
  const server = createFor(listen, undefined, (socket) => socket.destroy())
  await open(server, listen, all)
  return server
}

function hintFor(cause: unknown, listen: ListenAddress, opened: ListenAddress[]): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EACCES' && listen.tls === undefined)
    return 'A port below 1024 needs root or CAP_NET_BIND_SERVICE.'
  if (code === 'EADDRNOTAVAIL') return 'See which addresses this machine has: ip address'
  if (code !== 'EADDRINUSE') return undefined
  const who = `See who has the port: ss -ltnp 'sport = :${listen.port}'`
  const beside = opened.filter((other) => other.port === listen.port).map(addressText)
  if (beside.length === 0) return who
  return `The router also listens on ${beside.join(' and ')}, which may include it. If not:\n${who}`
}

/** As `--listen` takes it. */
export function addressText({ address, port }: ListenAddress): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

function createFor(
  listen: ListenAddress,
  pem: RouterSettings['pem'],
  accept: (socket: Socket) => unknown,
): Server {
  if (listen.tls === undefined) return createServer({ allowHalfOpen: true, noDelay: true }, accept)
  const server = createTlsServer(
    {
      handshakeTimeout: 10_000,
      ...readTlsFiles(listen.tls, pem),
      noDelay: true,
      ALPNProtocols: ['http/1.1', 'http/1.0'],
    },
    (socket) => {
      // Not before: who closes in the middle of a handshake would be kept until that times out.
      socket.allowHalfOpen = true
      accept(socket)
    },
  )
  // A failed handshake is the client's affair.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

async function open(server: Server, listen: ListenAddress, all: ListenAddress[]): Promise<void> {
  const { address, port } = listen
  // Beside a listener on all of IPv4, one on all of IPv6 must not take IPv4 too.
  const ipv6Only = all.some((other) => other !== listen && other.port === port && other.address === '0.0.0.0')
  await listenOn(server, { host: address, port, ipv6Only, backlog: 4096 }).catch(async (error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const noIpv6 =
      address === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EINVAL')
    if (!noIpv6) throw error
    await listenOn(server, { host: '0.0.0.0', port, backlog: 4096 })
  })
}

function listenOn(
  server: Server,
  options: { host: string; port: number; ipv6Only?: boolean; backlog: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
