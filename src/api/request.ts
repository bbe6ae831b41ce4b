import { z } from 'zod'
import { AppId } from '../model/names.ts'
import { type Terminal } from '../model/terminal.ts'
import { gitServices, type Request } from './wire.ts'

const size = z.int().min(1).max(10_000)

const TerminalFacts = z.object({
  tty: z.object({ stdin: z.boolean(), stdout: z.boolean(), stderr: z.boolean() }),
  columns: size,
  rows: size,
  color: z.boolean(),
}) satisfies z.ZodType<Terminal>

const keyId = z.string().max(64).exactOptional()
const objectId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)

/** The first frame of a connection, as the controller takes it. */
export const RequestFrame = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('command'),
    argv: z.array(z.string()),
    terminal: TerminalFacts,
    keyId,
    plainSsh: z.boolean().exactOptional(),
  }),
  z.object({ kind: z.literal('git'), service: z.enum(gitServices), app: z.string().max(256), keyId }),
  z.object({
    kind: z.literal('push'),
    appId: AppId,
    ref: z.string().max(1024),
    oldCommit: objectId,
    commit: objectId,
    clearCache: z.boolean().exactOptional(),
    keyId,
  }),
]) satisfies z.ZodType<Request>
export type RequestFrame = z.infer<typeof RequestFrame>

export type CommandRequest = Extract<RequestFrame, { kind: 'command' }>
export type GitRequest = Extract<RequestFrame, { kind: 'git' }>
export type PushRequest = Extract<RequestFrame, { kind: 'push' }>

export const WindowSize = z.object({ columns: size, rows: size })
export type WindowSize = z.infer<typeof WindowSize>

export const SignalName = z.enum(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
export type SignalName = z.infer<typeof SignalName>
