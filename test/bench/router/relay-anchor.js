// The best that Node was made to do: bytes passed on between two sockets, with nothing read in them. It reads and writes as ours
// does, into memory that is used again (from clients only with the fast path) and at the end of the event loop's turn.
// argv: backend port, port to listen on, --no-fast-path or nothing.
import { connect, createServer } from 'node:net'
import { readPushed, userBufferReader } from '../../../src/router/client/reading.ts'

const [backend, port] = process.argv.slice(2, 4).map(Number)
const shared = Buffer.allocUnsafeSlow(64 * 1024)
const read = process.argv[4] === '--no-fast-path' ? readPushed : userBufferReader(shared)
let waiting = []

function end() {
  const all = waiting
  waiting = []
  for (const { to, text } of all) to.write(text, 'latin1')
}

const passOn = (to) => (bytes, length) => {
  if (waiting.push({ to, text: bytes.latin1Slice(0, length) }) === 1) setImmediate(end)
  return true
}

createServer({ noDelay: true }, (client) => {
  const toClient = passOn(client)
  const upstream = connect({
    host: '127.0.0.1',
    port: backend,
    noDelay: true,
    onread: { buffer: shared, callback: (length, bytes) => toClient(bytes, length) },
  })
  read(client, passOn(upstream))
  client.resume()
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ]) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}).listen(port, '127.0.0.1', 4096)
