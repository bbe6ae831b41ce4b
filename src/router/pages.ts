import { readFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { join } from 'node:path'
import { type Page } from './forward/plane.ts'
import { type RouterSettings } from './settings.ts'
import { type TableRoute } from './table/route-table.ts'

/** Hipache's words. */
export const unknownHost = 'frontend not found'

/** What the owner of an app of the instance should do next, by status. */
function commands(status: number, route: TableRoute | undefined): string {
  // The identifier is the app's name; what was added by hand mostly has its host for one, and no app's name has a dot.
  const app = route !== undefined && /^[\w-]+$/.test(route.identifier) ? route.identifier : undefined
  if (route !== undefined && app === undefined && status >= 502 && status <= 504)
    return 'The server behind this address did not serve this request. If it is yours, see <code>paas routes</code>.'
  switch (status) {
    case 404:
      return 'No app answers at this address. If it should be yours, see <code>paas domains</code>.'
    case 502:
      return `The app did not answer this request. If it is yours, see <code>paas ps -a ${app}</code> and <code>paas logs -a ${app}</code>.`
    case 503:
      return `The app cannot take this request now; try again shortly. If it is yours, see <code>paas ps -a ${app}</code> and <code>paas ps:scale</code>.`
    case 504:
      return `The app took too long. If it is yours, see <code>paas logs -a ${app}</code>.`
    default:
      return 'The request cannot be served.'
  }
}

/** The same of a router that knows no more than the keys of a Redis. */
function keys(status: number, reason: string): string {
  if (reason === unknownHost)
    return 'No app answers at this address. If it should be yours, see the key of its host in Redis, <code>frontend:HOST</code>.'
  const look = 'see whether the backends in <code>frontend:HOST</code> answer, and <code>dead:HOST</code>'
  switch (status) {
    case 502:
      return `The app did not answer this request. If it is yours, ${look}.`
    case 503:
      return `The app cannot take this request now; try again shortly. If it is yours, ${look}.`
    case 504:
      return `The app took too long. If it is yours, ${look}.`
    default:
      return 'The request cannot be served.'
  }
}

/**
 * The router's own answers: small, plain, without anything that a client sent. With `staticDir`, Hipache's
 * `error_<status>.html` and `error_default.html`, read each time, so that edits are live.
 */
export function pages({ staticDir, advice }: Pick<RouterSettings, 'staticDir' | 'advice'>) {
  return (status: number, reason: string, route: TableRoute | undefined): Page => {
    if (status === 200) return { status, contentType: 'text/plain', body: Buffer.from(reason) }
    const own = staticDir === undefined ? undefined : readPage(staticDir, status)
    if (own !== undefined) return { status, contentType: 'text/html', body: own }
    const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`
    const body =
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>` +
      `<h1>${title}</h1><p>${advice === 'commands' ? commands(status, route) : keys(status, reason)}</p><p>${reason}</p></html>\n`
    return { status, contentType: 'text/html; charset=utf-8', body: Buffer.from(body) }
  }
}

/** As it is, in whatever character set. */
function readPage(directory: string, status: number): Buffer | undefined {
  for (const name of [`error_${status}.html`, 'error_default.html']) {
    try {
      return readFileSync(join(directory, name))
    } catch {
      // The next one, then the router's own.
    }
  }
  return undefined
}
