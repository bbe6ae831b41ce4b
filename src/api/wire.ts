/**
 * The protocol between the thin client and the controller, over a unix stream socket: frames of
 * one byte type, four bytes big-endian payload length, payload. The client sends one `request` frame, then
 * stdin and signals; the controller sends output and ends with one `exit` frame. Closing the socket cancels.
 *
 * The client imports this file, so it imports nothing heavier than types.
 */
import type { Terminal } from '../model/terminal.ts'

export const frame = {
  request: 1,
  stdin: 2,
  stdinEnd: 3,
  /** JSON string: a signal's name. */
  signal: 4,
  /** JSON {columns, rows}. */
  resize: 5,
  stdout: 16,
  stderr: 17,
  /** JSON {code}. */
  exit: 18,
} as const

export type FrameType = (typeof frame)[keyof typeof frame]

/** stdin and output are cut to this many bytes per frame. */
export const maxFrameBytes = 256 * 1024

/** `keyId` comes from the forced command and is believed on the SSH user's socket only. */
export type Request =
  | { kind: 'command'; argv: string[]; terminal: Terminal; keyId?: string }
  /** May this key use git on this app? stdout: JSON GitGrant. Creates the app where the key may and it is missing. */
  | { kind: 'git'; service: GitService; app: string; keyId?: string }
  /** Deploy a pushed commit; stdin: its `git archive` tar; stdout/stderr: progress for the pusher. */
  | { kind: 'push'; appId: string; ref: string; oldCommit: string; commit: string; keyId?: string }

export const gitServices = ['git-receive-pack', 'git-upload-pack', 'git-upload-archive'] as const
export type GitService = (typeof gitServices)[number]

/** The answer to a `git` request: where the repository is, and what git is run with. */
export type GitGrant = {
  appId: string
  app: string
  /** Absolute path of the bare repository; made with `git init` by the client if it is not there. */
  repository: string
  /** The branch that is deployed; undefined: the first push decides between main and master. */
  branch?: string
  /** Environment for git, replacing the inherited one. */
  env: Record<string, string>
}

export function encodeFrame(type: FrameType, payload: Uint8Array | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const out = Buffer.allocUnsafe(5 + body.length)
  out[0] = type
  out.writeUInt32BE(body.length, 1)
  out.set(body, 5)
  return out
}

/** Cuts a byte stream into frames; `push` returns the frames that are complete. Throws on a frame over the limit. */
export function frameDecoder(): { push(chunk: Buffer): { type: number; payload: Buffer }[] } {
  let pending: Buffer = Buffer.alloc(0)
  return {
    push(chunk) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const frames: { type: number; payload: Buffer }[] = []
      let offset = 0
      while (pending.length - offset >= 5) {
        const length = pending.readUInt32BE(offset + 1)
        if (length > 16 * 1024 * 1024) throw new Error(`frame of ${length} bytes is over the limit`)
        if (pending.length - offset - 5 < length) break
        frames.push({ type: pending[offset]!, payload: pending.subarray(offset + 5, offset + 5 + length) })
        offset += 5 + length
      }
      pending = pending.subarray(offset)
      return frames
    },
  }
}
