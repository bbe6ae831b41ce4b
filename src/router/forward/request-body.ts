import { latin1 } from '../http/bytes.ts'
import { ChunkedDecoder } from '../http/chunked.ts'
import { framing } from '../http/framing.ts'
import { type RequestHead } from '../http/request-head.ts'
import { type Outbox } from './outbox.ts'

/** Up to this size a piece is kept as text, which costs no Buffer. */
const textBytes = 4096

/** So many small pieces become one: each costs as well, and a client may send a chunk for every byte. */
const mostPieces = 64

const nothing: never[] = []

/**
 * The body of one request on its way: checked, framed anew, and kept as long as the request may have to be sent
 * again.
 */
export class RequestBody {
  /** All of it has been read. */
  done: boolean
  /** Bytes kept for sending again. */
  #kept = 0
  /** Texts at the end of what was sent that have not been put together. */
  #small = 0
  #left = 0
  readonly #chunked: ChunkedDecoder | undefined
  /** As it was sent; undefined: no longer kept. */
  #sent: (string | Buffer)[] | undefined

  constructor(length: number, chunked: boolean) {
    this.#left = length
    this.#chunked = chunked ? new ChunkedDecoder() : undefined
    this.done = this.#chunked === undefined && this.#left === 0
    this.#sent = this.done ? nothing : []
  }

  /** Whether the request can be sent again from what is kept. */
  get whole(): boolean {
    return this.#sent !== undefined
  }

  /** Why the body must not be passed on; '' while all is well. */
  get problem(): string {
    return this.#chunked?.problem ?? ''
  }

  get problemStatus(): number {
    return this.#chunked?.status ?? 400
  }

  /** Whether all of it is kept, or will be, where no more than `limit` bytes are. */
  isKept(limit: number): boolean {
    return (this.done || this.#chunked === undefined) && this.#kept + this.#left <= limit
  }

  /** Whether more is kept than `limit` bytes. */
  isOver(limit: number): boolean {
    return this.#kept > limit
  }

  forgetOver(limit: number): void {
    if (this.isOver(limit)) this.forget()
  }

  forget(): void {
    if (this !== noBody) this.#sent = undefined
  }

  /** Reads up to the body's end; what there is goes to `out` and is kept. Returns the offset that it read to. */
  read(buf: Buffer, from: number, end: number, stable: boolean, out: Outbox | undefined): number {
    const chunked = this.#chunked
    if (chunked === undefined) {
      const to = end - from > this.#left ? from + this.#left : end
      this.#data(buf, from, to, stable, out)
      this.#left -= to - from
      this.done = this.#left === 0
      return to
    }
    const pos = chunked.decode(buf, from, end, (bytes, start, to) => {
      const size = `${(to - start).toString(16)}\r\n`
      if (to - start <= textBytes) {
        this.#text(`${size}${latin1(bytes, start, to)}\r\n`, out)
        return
      }
      this.#text(size, out)
      this.#data(bytes, start, to, stable, out)
      this.#text('\r\n', out)
    })
    if (chunked.done) {
      this.done = true
      this.#text('0\r\n\r\n', out)
    }
    return pos
  }

  /** Sends again what is kept. */
  writeTo(out: Outbox): void {
    for (const piece of this.#sent ?? []) {
      if (typeof piece === 'string') out.text(piece)
      else out.bytes(piece, 0, piece.length, true)
    }
  }

  #data(buf: Buffer, from: number, to: number, stable: boolean, out: Outbox | undefined): void {
    if (to === from) return
    if (this.#sent === undefined) {
      out?.bytes(buf, from, to, stable)
      return
    }
    if (to - from <= textBytes) {
      this.#text(latin1(buf, from, to), out)
      return
    }
    const piece = stable ? buf.subarray(from, to) : Buffer.from(buf.subarray(from, to))
    this.#sent.push(piece)
    this.#kept += piece.length
    this.#small = 0
    out?.bytes(piece, 0, piece.length, true)
  }

  #text(text: string, out: Outbox | undefined): void {
    out?.text(text)
    if (this.#sent === undefined) return
    this.#sent.push(text)
    this.#kept += text.length
    this.#small += 1
    if (this.#small < mostPieces) return
    this.#sent.push(this.#sent.splice(-this.#small).join(''))
    this.#small = 0
  }
}

/** Most requests have none, and share this. */
const noBody = new RequestBody(0, false)

export function bodyOf({ framing: framed, contentLength }: RequestHead): RequestBody {
  const chunked = framed === framing.chunked
  return chunked || contentLength > 0 ? new RequestBody(contentLength, chunked) : noBody
}
