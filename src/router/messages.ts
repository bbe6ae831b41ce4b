import { z } from 'zod'
import { Names, type StatsPart, type WorkerStats } from './observe/stats.ts'

/** What the master asks a worker. */
export const ToWorker = z.discriminatedUnion('type', [
  // A master of an earlier version does not take parts.
  z.object({ type: z.literal('stats'), id: z.int(), inParts: z.boolean().default(false) }),
  /** Say which of these are in no route. */
  z.object({ type: z.literal('which-are-gone'), names: Names }),
  z.object({ type: z.literal('reopen-logs') }),
  /** Take no new connections, finish the present ones, exit; `isLast`: nobody takes its place. */
  z.object({ type: z.literal('drain'), isLast: z.boolean().default(false) }),
])
export type ToWorker = z.infer<typeof ToWorker>

/** What a worker tells the master. What it has counted is much, and of our own making, and so not looked through. */
export const ToMaster = z.discriminatedUnion('type', [
  /** It serves; `routesKnown`: by what Redis or a whole snapshot says, of which it may hear later. */
  z.object({
    type: z.literal('ready'),
    id: z.string(),
    // A worker of an earlier version does not say.
    routesKnown: z.boolean().default(true),
  }),
  /** A part of an answer, before its end. */
  z.object({ type: z.literal('stats-part'), id: z.int(), part: z.custom<StatsPart>() }),
  /** The answer, or what is left of it; or at its end (`id` 0) all that it has counted. */
  z.object({ type: z.literal('stats'), id: z.int(), stats: z.custom<WorkerStats>() }),
  z.object({ type: z.literal('gone'), names: Names }),
  /** Somebody wants it to end: another is to take its place. */
  z.object({ type: z.literal('terminated') }),
])
export type ToMaster = z.infer<typeof ToMaster>
