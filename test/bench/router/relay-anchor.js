// What Node can do at best: bytes passed on between two sockets, nothing read in them, no copy of them made.
// argv: backend port, port to listen on.
import { connect, createServer } from 'node:net'

const [backend, port] = process.argv.slice(2).map(Number)
const shared = Buffer.allocUnsafeSlow(64 * 1024)

createServer({ noDelay: true }, (client) => {
  const upstream = connect({
    host: '127.0.0.1',
    port: backend,
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (length, buffer) => client.write(buffer.toString('latin1', 0, length), 'latin1'),
    },
  })
  client.on('data', (chunk) => upstream.write(chunk))
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ]) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}).listen(port, '127.0.0.1', 4096)
