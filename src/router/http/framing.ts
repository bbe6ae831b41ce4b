/** How the body of a message is delimited. */
export const framing = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const
export type Framing = (typeof framing)[keyof typeof framing]

/** Whether a message is over with its head. */
export function isBodyless(head: { readonly framing: Framing; readonly contentLength: number }): boolean {
  return head.framing === framing.none || (head.framing === framing.length && head.contentLength === 0)
}

/** At most 15 decimal digits without a leading zero; undefined for anything else. */
export function contentLengthOf(buf: Buffer, from: number, end: number): number | undefined {
  const length = end - from
  if (length === 0 || length > 15 || (length > 1 && buf[from] === 0x30)) return undefined
  let value = 0
  for (let i = from; i < end; i += 1) {
    const digit = buf[i]! - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value
}
