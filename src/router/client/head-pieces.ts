import { latin1, LF } from '../http/bytes.ts'

/** A longer head that is not whole is looked through anew once so much more of it is there, or the end of a line. */
const enough = 1024

/**
 * What comes of a head piece by piece, for which nobody looks through all of it again: TLS alone may bring thousands of
 * pieces at once.
 */
export class HeadPieces {
  #text = ''

  /** The head, as far as it is there, of which `before` has been looked through; undefined: not worth another look. */
  join(before: Buffer, piece: Buffer): Buffer | undefined {
    if (before.length < enough) return Buffer.concat([before, piece])
    this.#text += latin1(piece, 0, piece.length)
    if (this.#text.length < enough && !piece.includes(LF)) return undefined
    const all = Buffer.concat([before, Buffer.from(this.#text, 'latin1')])
    this.#text = ''
    return all
  }
}
