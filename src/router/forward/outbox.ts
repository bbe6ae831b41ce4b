import { type Socket } from 'node:net'
import { latin1, writeLatin1 } from '../http/bytes.ts'
import { type Buffers } from './buffers.ts'
import { whenWritten, type WriteHandle } from './write-handle.ts'

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
  readonly #drained: () => void
  /** Undefined: everything goes through the stream. */
  #handle: WriteHandle | undefined
  /** Writes to the handle that are not complete. */
  #waiting = 0
  #text = ''
  /** The last copied write was not taken at once: a slow reader, or TLS, which never does. */
  #lagging = false

  constructor(socket: Socket, buffers: Buffers, drained: () => void) {
    this.#socket = socket
    this.#buffers = buffers
    this.#drained = drained
    if (!socket.connecting) this.connected()
    socket.on('drain', () => this.#relieved())
  }

  /** From here on bytes can be given to the kernel. */
  connected(): void {
    this.#handle = this.#buffers.handleOf?.(this.#socket)
  }

  /** Whether bytes wait for the kernel. */
  get unflushed(): boolean {
    return this.#waiting > 0 || this.#socket.writableLength > 0
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
      this.#writeStream(data)
      return
    }
    this.#socket.cork()
    this.flush()
    this.#writeStream(data)
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
    const head = writeLatin1(scratch, this.#text, 0)
    this.#text = ''
    const end = head + buf.copy(scratch, head, from, to)
    const whole = scratch.subarray(0, end)
    const handle = this.#free()
    if (handle === undefined) this.#writeStream(whole)
    else this.#wrote(handle.writeBuffer(null, whole), whole)
    this.#lagging = this.unflushed
    if (this.#lagging) this.#buffers.renewScratch()
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    const handle = this.#free()
    if (handle === undefined) this.#writeStream(text)
    else this.#wrote(handle.writeLatin1String(null, text))
  }

  /** The handle, unless the stream holds something back that must not be overtaken, or has ended. */
  #free(): WriteHandle | undefined {
    return this.#socket.writableLength === 0 && this.#socket.writable ? this.#handle : undefined
  }

  #writeStream(data: Buffer | string): void {
    const taken = this.#socket.write(data, 'latin1')
    this.congested = !taken || this.#waiting > 0
  }

  #wrote(result: ReturnType<WriteHandle['writeBuffer']>, bytes?: Buffer): void {
    if (result === 0) return
    if (typeof result === 'number') {
      this.#failed()
      return
    }
    this.#waiting += 1
    this.congested = true
    whenWritten(result, bytes, (status) => {
      this.#waiting -= 1
      if (status < 0) this.#failed()
      else this.#relieved()
    })
  }

  /** As a stream says it. */
  #failed(): void {
    this.#handle = undefined
    this.congested = true
    this.#socket.destroy(Object.assign(new Error('the write failed'), { syscall: 'write' }))
  }

  /** Some of what waited has been taken. */
  #relieved(): void {
    if (this.#waiting > 0 || this.#socket.writableNeedDrain) return
    this.congested = false
    this.#drained()
  }
}
