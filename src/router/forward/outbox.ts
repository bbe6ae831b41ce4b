import { type Socket } from 'node:net'
import { latin1 } from '../http/bytes.ts'
import { type Buffers } from './buffers.ts'

/** Up to this size bytes are sent as part of the same string as the head: one write, and no Buffer to make. */
const textBytes = 4096
const maxTextBytes = 16 * textBytes

/**
 * What one event has to say to a socket, gathered so that it is one write. Whoever appends flushes before it
 * returns to the event loop.
 */
export class Outbox {
  /** The kernel has not taken enough, so that the source should wait until the socket has drained. */
  congested = false
  readonly #socket: Socket
  readonly #buffers: Buffers
  #text = ''
  /** The last copied write was not taken at once: a slow reader, or TLS, which never does. */
  #lagging = false

  constructor(socket: Socket, buffers: Buffers, drained: () => void) {
    this.#socket = socket
    this.#buffers = buffers
    socket.on('drain', () => {
      this.congested = false
      drained()
    })
  }

  /** Whether bytes wait for the kernel. */
  get unflushed(): boolean {
    return this.#socket.writableLength > 0
  }

  /** Characters 0 to 255. */
  text(text: string): void {
    this.#text += text
  }

  /** `stable`: nobody overwrites these bytes before they are flushed to the kernel. */
  bytes(buf: Buffer, from: number, to: number, stable: boolean): void {
    if (to - from <= textBytes) {
      this.#text += latin1(buf, from, to)
      if (this.#text.length > maxTextBytes) this.flush()
    } else if (stable) this.#writeStable(buf.subarray(from, to))
    else this.#writeCopy(buf, from, to)
  }

  /** One chunk of the chunked coding. */
  chunk(buf: Buffer, from: number, to: number, stable: boolean): void {
    this.#text += `${(to - from).toString(16)}\r\n`
    this.bytes(buf, from, to, stable)
    this.#text += '\r\n'
  }

  #writeStable(data: Buffer): void {
    if (this.#text === '') {
      this.congested = !this.#socket.write(data)
      return
    }
    this.#socket.cork()
    this.flush()
    this.congested = !this.#socket.write(data)
    this.#socket.uncork()
  }

  /** Head and body as one piece of memory, which is free again at once where the kernel takes all of it. */
  #writeCopy(buf: Buffer, from: number, to: number): void {
    const { scratch } = this.#buffers
    if (this.#lagging || this.#text.length + to - from > scratch.length) {
      this.#writeStable(Buffer.from(buf.subarray(from, to)))
      this.#lagging = this.unflushed
      return
    }
    const head = scratch.write(this.#text, 'latin1')
    this.#text = ''
    const end = head + buf.copy(scratch, head, from, to)
    this.congested = !this.#socket.write(scratch.subarray(0, end))
    this.#lagging = this.unflushed
    if (this.#lagging) this.#buffers.renewScratch()
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.congested = !this.#socket.write(text, 'latin1')
  }
}
