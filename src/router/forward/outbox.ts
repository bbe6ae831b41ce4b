import { type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { latin1, writeLatin1 } from '../http/bytes.ts'
import { type Buffers } from './buffers.ts'
import { type SendQueues } from './send-queues.ts'

/** Up to this size bytes are sent as part of the same string as the head: one write, and no Buffer to make. */
const textBytes = 4096
const maxTextBytes = 16 * textBytes

/** What Node's own timeout of sockets goes by. */
type QueueingSocket = Socket & { _handle?: { writeQueueSize?: number } | null }

/**
 * What one event has to say to a socket, gathered so that it is one write. Whoever appends flushes before it
 * returns to the event loop, or has it done at the end of the loop's turn.
 */
export class Outbox {
  /** Whether anything has gone out since `begin`. */
  wrote = false
  /** The kernel has not taken enough, so that the source should wait until the socket has drained. */
  congested = false
  readonly #socket: Socket
  /** The connection that it runs over. */
  readonly #tcp: Socket
  readonly #buffers: Buffers
  readonly #drained: () => void
  /** TLS never takes anything at once, which is what its stream is for. */
  readonly #direct: boolean
  /** Writes past the stream that are not complete. */
  #waiting = 0
  #text = ''
  /** How the socket is to end once all has been taken. */
  #ending: 'end' | 'destroy' | undefined
  /** Bytes that waited for the kernel when that was asked last. */
  #queued: number | undefined
  /** And what the kernel had of them. */
  #sending: number | undefined
  /** The last copied write was not taken at once: a slow reader, or TLS, which never does. */
  #lagging: boolean

  constructor(socket: Socket, buffers: Buffers, drained: () => void, tcp = socket) {
    this.#socket = socket
    this.#tcp = tcp
    this.#buffers = buffers
    this.#drained = drained
    this.#direct = !(socket instanceof TLSSocket)
    this.#lagging = !this.#direct
    socket.on('drain', () => this.#relieved())
  }

  /** Whether bytes wait for the kernel. */
  get unflushed(): boolean {
    return this.#waiting > 0 || this.#socket.writableLength > 0
  }

  /**
   * Whether the kernel has taken more of what waits since this was asked last, where Node says how much there is; or its
   * peer of what the kernel has.
   */
  moved(kernel: SendQueues): boolean {
    const { writeQueueSize } = (this.#tcp as QueueingSocket)._handle ?? {}
    const moved = writeQueueSize !== this.#queued
    this.#queued = writeQueueSize
    const sending = moved ? undefined : kernel.of(this.#tcp)
    const taken = sending !== undefined && this.#sending !== undefined && sending < this.#sending
    this.#sending = sending
    return moved || taken
  }

  /** Whether nothing waits, neither to be flushed nor for the kernel. */
  get empty(): boolean {
    return this.#text === '' && !this.unflushed
  }

  /** What follows is something new. */
  begin(): void {
    this.wrote = false
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

  /** One chunk of the chunked coding; returns how many bytes are about it. */
  chunk(buf: Buffer, from: number, to: number, stable: boolean): number {
    const size = (to - from).toString(16)
    this.#text += `${size}\r\n`
    this.bytes(buf, from, to, stable)
    this.#text += '\r\n'
    return size.length + 4
  }

  #writeStable(data: Buffer): void {
    if (this.#text === '') {
      this.#write(data)
      return
    }
    this.#socket.cork()
    this.flush()
    this.#write(data)
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
    this.#write(scratch.subarray(0, end))
    this.#lagging = this.unflushed
    if (this.#lagging) this.#buffers.renewScratch()
  }

  /**
   * Whether there is text to flush. Asking what a character is makes it one piece, which is cheaper while its parts are
   * still in the processor's cache. (V8 leaves the question out where the answer does not depend on the character.)
   */
  gathered(): boolean {
    return this.#text.charCodeAt(0) <= 0xff
  }

  flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#write(text)
  }

  /**
   * Closes, or half-closes, once everything has been taken. Not before: Node cannot reset a connection any more whose end
   * it has begun to send.
   */
  finish(how: 'end' | 'destroy'): void {
    this.flush()
    const socket = this.#socket
    if (this.#waiting > 0) this.#ending = how
    else if (how === 'end') socket.end()
    // TLS has a close_notify to say, without which nobody can tell that it is the end (RFC 9112, 9.8).
    else if (this.unflushed || !this.#direct) socket.destroySoon()
    else socket.destroy()
  }

  /**
   * Past the stream, by what it calls itself: the stream's state, callback and tick cost as much as the call. Not past
   * what the stream holds back, nor after its end.
   */
  #write(data: Buffer | string): void {
    const socket = this.#socket
    this.wrote = true
    if (!this.#direct || socket.writableLength > 0 || !socket.writable) {
      // A text that may wait for long is many small ones, each of which costs more than its characters.
      const whole = typeof data === 'string' && data.length > textBytes ? Buffer.from(data, 'latin1') : data
      const taken = socket.write(whole, 'latin1')
      this.congested = !taken || this.#waiting > 0
      return
    }
    this.#waiting += 1
    socket._write(data, typeof data === 'string' ? 'latin1' : ('buffer' as BufferEncoding), this.#written)
    this.congested = this.#waiting > 0
  }

  /** Called before `_write` returns where the kernel takes all at once. What failed waits for ever: no more is taken. */
  readonly #written = (error?: Error | null): void => {
    if (error != null) {
      this.#socket.destroy(error)
      return
    }
    this.#waiting -= 1
    if (this.congested) this.#relieved()
  }

  /** Some of what waited has been taken. */
  #relieved(): void {
    if (this.#waiting > 0 || this.#socket.writableNeedDrain || this.#socket.destroyed) return
    this.congested = false
    if (this.#ending === undefined) this.#drained()
    else this.finish(this.#ending)
  }
}
