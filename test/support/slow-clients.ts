import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A process of its own, so that what it costs is not taken for the router's: `node slow-clients.ts PORT HOST COUNT`.
 * Says "ready" once all are connected, and keeps them until it is ended.
 */
const [port, host, count] = [Number(process.argv[2]), process.argv[3]!, Number(process.argv[4])]
const head = `Host: ${host}\r\n`
/** Far more fields than any request has. */
const bomb = `GET / HTTP/1.1\r\n${head}${'X-Bomb: 1234567890\r\n'.repeat(5000)}`

/** What a client does once it is connected; each is opened anew when the router closes it. */
const kinds: ((socket: Socket) => void)[] = [
  // A head by the byte.
  (socket) => {
    socket.write(`GET / HTTP/1.1\r\n${head}`)
    const timer = setInterval(() => socket.write('X'), 1000)
    socket.once('close', () => clearInterval(timer))
  },
  // A body that does not come.
  (socket) => socket.write(`POST /digest HTTP/1.1\r\n${head}Content-Length: 100000\r\n\r\nabc`),
  // Nothing at all.
  () => undefined,
  // A head without an end, once a second.
  (socket) => {
    const timer = setTimeout(() => socket.write(bomb), 1000)
    socket.once('close', () => clearTimeout(timer))
  },
  // A long answer that is not read.
  (socket) => {
    socket.write(`GET /letters?count=300000 HTTP/1.1\r\n${head}\r\n`)
    socket.pause()
  },
]
/** Of a hundred clients: so many of each kind. */
const shares = [45, 20, 28, 2, 5]
const kindOf = (number: number): number => {
  let left = number % 100
  return shares.findIndex((share) => (left -= share) < 0)
}

let connected = 0
function open(number: number): void {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  socket.on('data', () => undefined)
  let was = false
  socket.once('connect', () => {
    was = true
    connected++
    kinds[kindOf(number)]!(socket)
  })
  socket.once('close', () => {
    if (was) connected--
    setTimeout(open, 100, number)
  })
}

for (let number = 0; number < count; number++) {
  open(number)
  // As they come: not all in the same moment, and so none of what they do every second either.
  if (number % 20 === 19) await sleep(10)
}
// Those that bomb are always just being closed.
while (connected < count * 0.97) await sleep(10)
console.log('ready')
