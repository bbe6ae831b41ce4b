import { COLON, CR, LF, hexByte, isValueByte, tokenByte } from './bytes.ts'

const maxExtensionBytes = 1024
const maxTrailerBytes = 8 * 1024
/** 8 hexadecimal digits: 4 GiB in one chunk. */
const maxSizeDigits = 8

/** Takes the data of a body as it is decoded: `buf` from `from` to `to`. */
export type BodySink = (buf: Buffer, from: number, to: number) => void

const at = {
  size: 0,
  extension: 1,
  sizeLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  trailerStart: 6,
  trailerName: 7,
  trailerValue: 8,
  trailerLf: 9,
  lastLf: 10,
} as const

/**
 * A strict decoder of the chunked coding (RFC 9112, 7.1). Extensions and trailers are checked and dropped.
 * `decode` returns the offset that it read to; `done` or `problem` then tell how it stands.
 */
export class ChunkedDecoder {
  done = false
  /** Why the body was refused, with `status`; '' while all is well. */
  problem = ''
  status = 400
  #at: number = at.size
  #digits = 0
  #left = 0
  /** Bytes of the current extension or of all trailers. */
  #extra = 0

  decode(buf: Buffer, from: number, end: number, sink: BodySink): number {
    let pos = from
    while (pos < end) {
      const byte = buf[pos]!
      switch (this.#at) {
        case at.size: {
          const digit = hexByte[byte]!
          if (digit !== 255) {
            this.#digits += 1
            if (this.#digits > maxSizeDigits) return this.#refuse(pos, 'a chunk is too large')
            this.#left = this.#left * 16 + digit
          } else if (this.#digits === 0) return this.#refuse(pos, 'a chunk size is malformed')
          else if (byte === CR) this.#at = at.sizeLf
          else if (byte === 0x3b) {
            this.#at = at.extension
            this.#extra = 0
          } else return this.#refuse(pos, 'a chunk size is malformed')
          break
        }
        case at.extension:
          if (byte === CR) this.#at = at.sizeLf
          else if (!isValueByte(byte)) return this.#refuse(pos, 'a chunk extension is malformed')
          else if ((this.#extra += 1) > maxExtensionBytes) {
            this.status = 413
            return this.#refuse(pos, 'a chunk extension is too long')
          }
          break
        case at.sizeLf:
          if (byte !== LF) return this.#refuse(pos, 'a chunk size is malformed')
          this.#at = this.#left === 0 ? at.trailerStart : at.data
          this.#extra = 0
          break
        case at.data: {
          const to = Math.min(end, pos + this.#left)
          sink(buf, pos, to)
          this.#left -= to - pos
          if (this.#left === 0) this.#at = at.dataCr
          pos = to
          continue
        }
        case at.dataCr:
          if (byte !== CR) return this.#refuse(pos, 'a chunk is longer than its size')
          this.#at = at.dataLf
          break
        case at.dataLf:
          if (byte !== LF) return this.#refuse(pos, 'a chunk is longer than its size')
          this.#at = at.size
          this.#digits = 0
          break
        case at.trailerStart:
          if (byte === CR) this.#at = at.lastLf
          else if (tokenByte[byte] !== 0) this.#at = at.trailerName
          else return this.#refuse(pos, 'a trailer is malformed')
          break
        case at.trailerName:
          if (byte === COLON) this.#at = at.trailerValue
          else if (tokenByte[byte] === 0) return this.#refuse(pos, 'a trailer is malformed')
          break
        case at.trailerValue:
          if (byte === CR) this.#at = at.trailerLf
          else if (!isValueByte(byte)) return this.#refuse(pos, 'a trailer is malformed')
          break
        case at.trailerLf:
          if (byte !== LF) return this.#refuse(pos, 'a trailer is malformed')
          this.#at = at.trailerStart
          break
        case at.lastLf:
          if (byte !== LF) return this.#refuse(pos, 'a trailer is malformed')
          this.done = true
          return pos + 1
      }
      if (this.#at >= at.trailerStart && (this.#extra += 1) > maxTrailerBytes) {
        this.status = 431
        return this.#refuse(pos, 'the trailers are too long')
      }
      pos += 1
    }
    return pos
  }

  #refuse(pos: number, problem: string): number {
    this.problem = problem
    return pos
  }
}
