import { lookup } from 'node:dns'
import { Buffers } from '../../../../src/router/forward/buffers.ts'
import { createTurn } from '../../../../src/router/forward/turn.ts'
import { ResponseHead } from '../../../../src/router/http/response-head.ts'

export const limits = { maxIdle: 1, idleMs: 1, maxInFlight: 2, maxQueue: 1 }

/** What backends have together: no bound on idle connections that a test would meet. */
export const shared = {
  buffers: new Buffers(),
  responseHead: new ResponseHead(),
  turn: createTurn(),
  lookup,
  idle: { count: 0, most: Infinity },
}
