/** Tables over all 256 byte values, so that the parsers do one look-up per byte. */

function table(bytes: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => bytes(byte))
}

export const HYPHEN = 45

const tokenPunctuation = "!#$%&'*+-.^_`|~"

function isTokenByte(byte: number): boolean {
  const char = String.fromCharCode(byte)
  return /[0-9A-Za-z]/.test(char) || tokenPunctuation.includes(char)
}

/**
 * 0 where a byte may not be in a token (RFC 9110, 5.6.2); else the byte in lower case, or `-` for whatever is no letter
 * or digit, because CGI-like backends cannot tell `X_Real_IP` and (PHP, lighttpd) `X.Real.IP` from `X-Real-IP`, and so
 * neither do we.
 */
export const tokenByte = table((byte) => {
  if (!isTokenByte(byte)) return 0
  const char = String.fromCharCode(byte)
  return tokenPunctuation.includes(char) ? HYPHEN : char.toLowerCase().charCodeAt(0)
})

/** Whether a byte may be in a field value: HTAB, SP, visible characters, obs-text (RFC 9110, 5.5). */
export function isValueByte(byte: number): boolean {
  return byte > 0x1f ? byte !== 0x7f : byte === HTAB
}

/** 1 where a byte may be in a request target: visible ASCII but `#` and `\`, which readers disagree about. */
export const targetByte = table((byte) =>
  byte > 0x20 && byte < 0x7f && byte !== 0x23 && byte !== 0x5c ? 1 : 0,
)

/** 1 for what a method may have. Methods are case-sensitive, and none that exists has lower-case letters. */
export const methodByte = table((byte) => (isTokenByte(byte) && !(byte >= 0x61 && byte <= 0x7a) ? 1 : 0))

/** The value of a hexadecimal digit, or 255. */
export const hexByte = table((byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(value) ? 255 : value
})

export const CR = 13
export const LF = 10
export const SP = 32
export const HTAB = 9
export const COLON = 58

/** Whether the bytes from `at` on are those of `text`, all of which must be there. */
export function startsWith(buf: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (buf[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Whether the bytes from `from` to `to` are those of `text`. */
export function isText(buf: Buffer, from: number, to: number, text: string): boolean {
  return to - from === text.length && startsWith(buf, from, text)
}

/** Whether this is an empty line, which may stand before a request (RFC 9112, 2.2), or its beginning. */
export function isLineEnd(buf: Buffer, from: number, end: number): boolean {
  return end - from <= 2 && buf[from] === CR && (end - from === 1 || buf[from + 1] === LF)
}

type Latin1Slicer = { latin1Slice(from: number, to: number): string }

/** Bytes as characters 0 to 255. What `buf.toString('latin1', from, to)` calls after checking its arguments. */
export function latin1(buf: Buffer, from: number, to: number): string {
  return (buf as Buffer & Latin1Slicer).latin1Slice(from, to)
}

/**
 * The same characters, 0 to 255, in one piece. V8 keeps the parts of what was put together, and goes through them each
 * time that it becomes a part of something else which is written.
 */
export function inOnePiece(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  return latin1(bytes, 0, bytes.length)
}

type Latin1Writer = { latin1Write(text: string, at: number, length: number): number }

/** Puts characters 0 to 255 into a buffer that has room for them; returns how many. */
export function writeLatin1(buf: Buffer, text: string, at: number): number {
  return (buf as Buffer & Latin1Writer).latin1Write(text, at, text.length)
}
