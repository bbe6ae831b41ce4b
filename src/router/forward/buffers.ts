const sharedBytes = 64 * 1024
const bulkBytes = 256 * 1024
const maxSpare = 16

/** What sockets read into and write from. */
export class Buffers {
  /** For all sockets in turn: what is in it must be used or copied before the event ends. */
  readonly shared = Buffer.allocUnsafeSlow(sharedBytes)
  /** One write is put together in it: head and body of a response that was read at once. */
  scratch = Buffer.allocUnsafeSlow(2 * sharedBytes)
  readonly #spare: Buffer[] = []

  /** The kernel has not taken all of the last write, whose bytes must stay as they are. */
  renewScratch(): void {
    this.scratch = Buffer.allocUnsafeSlow(this.scratch.length)
  }

  /** A buffer for one large body. */
  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(bulkBytes)
  }

  /** Only for a buffer whose bytes nobody waits for any more. */
  give(buffer: Buffer): void {
    if (buffer.length === bulkBytes && this.#spare.length < maxSpare) this.#spare.push(buffer)
  }
}
