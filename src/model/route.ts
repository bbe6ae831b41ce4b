import { z } from 'zod'
import { backendAddress } from './backend-address.ts'
import { Domain, NewDomain } from './names.ts'

/**
 * host → backends, as Hipache stores it: LIST `frontend:<host>` = [identifier, backend, backend, …].
 * A backend is `http://172.30.0.7:5000`.
 */
export const Route = z.strictObject({
  host: z.string(),
  /** Free text that shows up in the access log; ours is the app's name. */
  identifier: z.string(),
  backends: z.array(z.string()),
})
export type Route = z.infer<typeof Route>

/**
 * What one router worker says about itself in `paas:route:worker:<id>` (JSON, TTL 10 s, refreshed every 3 s,
 * written at once when `version` is applied or a draining backend changes its count to zero).
 */
export const RouterWorker = z.strictObject({
  id: z.string(),
  pid: z.int(),
  startedAt: z.iso.datetime(),
  /** The value of `paas:route:version` whose changes this worker has applied. */
  version: z.int().min(0),
  /** Backend → requests (and upgraded connections) in flight, for backends that are in no route now. */
  draining: z.record(z.string(), z.int().min(1)),
})
export type RouterWorker = z.infer<typeof RouterWorker>

/** What a route may be for, when a person names it: a domain, or `*`, which is every host that nobody else has. */
export const RouteHost = z.union([z.literal('*'), Domain])
/** The same of one that is to be added. */
export const NewRouteHost = z.union([z.literal('*'), NewDomain])

/** One backend of a route, when a person writes it. */
export const BackendUrl = z
  .string()
  .max(2048)
  .refine(
    (url) =>
      !/\s/.test(url) && backendAddress(url) !== undefined && (/^https?:/i.test(url) || !url.includes('://')),
    'a backend looks like http://10.0.0.5:8080',
  )
  .refine(
    (url) => /^(?:[a-z]+:\/\/)?[^/?#]*\/?$/i.test(url),
    'a backend has no path: requests keep their own',
  )
