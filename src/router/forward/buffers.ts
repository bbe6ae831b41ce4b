const sharedBytes = 64 * 1024
const bulkBytes = 256 * 1024
const maxSpare = 16

/** What sockets read into. */
export class ReadBuffers {
  /** For all sockets in turn: what is in it must be used or copied before the event ends. */
  readonly shared = Buffer.allocUnsafeSlow(sharedBytes)
  readonly #spare: Buffer[] = []

  /** A buffer for one large body. */
  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(bulkBytes)
  }

  /** Only for a buffer whose bytes nobody waits for any more. */
  give(buffer: Buffer): void {
    if (buffer.length === bulkBytes && this.#spare.length < maxSpare) this.#spare.push(buffer)
  }
}
