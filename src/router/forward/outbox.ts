import { type Socket } from 'node:net'
import { latin1 } from '../http/bytes.ts'

/** Up to this size bytes are sent as part of the same string as the head: one write, and no Buffer to make. */
const textBytes = 4096

/**
 * What one event has to say to a socket, gathered so that it is one write. Whoever appends flushes before it
 * returns to the event loop.
 */
export class Outbox {
  readonly socket: Socket
  #text = ''

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** Characters 0 to 255. */
  text(text: string): void {
    this.#text += text
  }

  /** `stable`: nobody overwrites these bytes before they are flushed to the kernel. */
  bytes(buf: Buffer, from: number, to: number, stable: boolean): void {
    if (to - from <= textBytes) {
      this.#text += latin1(buf, from, to)
      if (this.#text.length > 16 * textBytes) this.flush()
      return
    }
    const piece = buf.subarray(from, to)
    const data = stable ? piece : Buffer.from(piece)
    if (this.#text === '') {
      this.socket.write(data)
      return
    }
    this.socket.cork()
    this.flush()
    this.socket.write(data)
    this.socket.uncork()
  }

  /** One chunk of the chunked coding. */
  chunk(buf: Buffer, from: number, to: number, stable: boolean): void {
    this.#text += `${(to - from).toString(16)}\r\n`
    this.bytes(buf, from, to, stable)
    this.#text += '\r\n'
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.socket.write(text, 'latin1')
  }

  /** True while the kernel has not taken everything, so that the source should wait for `drain`. */
  get congested(): boolean {
    return this.socket.writableNeedDrain
  }
}
