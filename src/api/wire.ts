/**
 * The protocol between the thin client and the controller, over a unix stream socket: frames of
 * one byte type, four bytes big-endian payload length, payload. The client sends one `request` frame, then
 * stdin and signals; the controller sends output and ends with one `exit` frame. Closing the socket cancels.
 *
 * Over SSH the same frames travel through the forced command (see `wireCommand`), so that a laptop's arguments,
 * signals and window changes need no quoting and no pseudo-terminal.
 *
 * The client imports this file, so it imports nothing heavier than types.
 */
import type { Terminal } from '../model/terminal.ts'

export const frame = {
  request: 1,
  /** At most as many bytes in all as the controller has granted by `wantStdin`. */
  stdin: 2,
  stdinEnd: 3,
  /** JSON string: a signal's name. */
  signal: 4,
  /** JSON {columns, rows}. */
  resize: 5,
  stdout: 16,
  stderr: 17,
  /** JSON {code}; the last frame. */
  exit: 18,
  /**
   * JSON {bytes}: the client may send that many more bytes of stdin. Until the first one it leaves stdin alone,
   * so that a command in a loop does not swallow what the loop reads; later ones are the back-pressure, which
   * leaves signals and window changes a free way.
   */
  wantStdin: 19,
  /**
   * JSON {path}: what follows as stdin is this file of the caller's. The client does so only for a path that is a
   * word of its own command line.
   */
  stdinFrom: 21,
  /** JSON {raw}: put the terminal in raw mode, or back; ignored where stdin is no terminal. */
  rawMode: 20,
  /**
   * JSON {text}: show this text in the caller's editor; what is stdin afterwards is the text as it was left. Only on
   * a caller's own machine, as an editor can do anything there.
   */
  edit: 22,
  /**
   * JSON {ref}: what follows as stdin is `git archive` of this commit of the repository that the caller is in. Only for
   * a word of the caller's own command line, or HEAD.
   */
  archive: 23,
  /**
   * JSON {path}: what follows as stdin is a tar of this folder of the caller's, with the names of all files and the texts
   * of those that decide how it is built. Only for a word of the caller's own command line, or the folder it is in.
   */
  folder: 24,
} as const

export type FrameType = (typeof frame)[keyof typeof frame]

/** stdin and output are cut to this many bytes per frame. */
export const maxFrameBytes = 256 * 1024

/** No frame is larger; a request, which carries a whole command line, may be the largest. */
export const maxPayloadBytes = 16 * 1024 * 1024

/** What a laptop's client asks sshd for: the forced command then relays frames instead of running one command. */
export const wireCommand = 'paas-wire-1'

/** `keyId` comes from the forced command and is believed on the SSH user's socket only. */
export type Request =
  | {
      kind: 'command'
      argv: string[]
      terminal: Terminal
      keyId?: string
      /** The line was given to ssh itself: one that is no command of ours is refused, not taken for a typo. */
      plainSsh?: boolean
    }
  /**
   * May this key use git on this app? stdout: JSON GitGrant. Creates the app where the key may and it is missing.
   * For git-receive-pack the grant is also the app's turn to be pushed to, held until the client closes.
   */
  | { kind: 'git'; service: GitService; app: string; keyId?: string }
  /** Deploy a pushed commit; stdin: its `git archive` tar; stdout/stderr: progress for the pusher. */
  | {
      kind: 'push'
      appId: string
      ref: string
      oldCommit: string
      commit: string
      /** Build without what earlier builds left in caches. */
      clearCache?: boolean
      keyId?: string
    }

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

export type Frame = { type: number; payload: Buffer }

export function encodeFrame(type: FrameType, payload: Uint8Array | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const out = Buffer.allocUnsafe(5 + body.length)
  out[0] = type
  out.writeUInt32BE(body.length, 1)
  out.set(body, 5)
  return out
}

/** Cuts bytes to frames of at most `maxFrameBytes`; none for no bytes. */
export function* encodeBytes(type: FrameType, bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += maxFrameBytes) {
    yield encodeFrame(type, bytes.subarray(at, at + maxFrameBytes))
  }
}

/** Cuts a byte stream into frames; `push` returns the frames that are complete. Throws on a frame over the limit. */
export function frameDecoder(): { push(chunk: Buffer): Frame[] } {
  let pieces: Buffer[] = []
  let held = 0
  /** Bytes that must be there before looking again, so that a large frame is joined once. */
  let needed = 5
  return {
    push(chunk) {
      pieces.push(chunk)
      held += chunk.length
      if (held < needed) return []
      const bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces)
      const frames: Frame[] = []
      let at = 0
      needed = 5
      while (bytes.length - at >= 5) {
        const length = bytes.readUInt32BE(at + 1)
        if (length > maxPayloadBytes) throw new Error(`frame of ${length} bytes is over the limit`)
        if (bytes.length - at < 5 + length) {
          needed = 5 + length
          break
        }
        frames.push({ type: bytes[at]!, payload: bytes.subarray(at + 5, at + 5 + length) })
        at += 5 + length
      }
      pieces = [bytes.subarray(at)]
      held = bytes.length - at
      return frames
    },
  }
}
