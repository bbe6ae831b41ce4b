import { type Backend } from './backend.ts'

/** The cookie that keeps a visitor at one backend: a signature of host and backend, and nothing else. */
const stickyCookie = 'paas_backend'

/**
 * The field line that sets the cookie, '' for none. As it grants nothing, it goes wherever the cookies of the app go:
 * with SameSite it would stay behind where another site posts a visitor back, who then met another backend.
 */
export const setStickyCookie = (value: string): string =>
  value === '' ? '' : `Set-Cookie: ${stickyCookie}=${value}; Path=/; HttpOnly\r\n`

/** The cookie's values in a Cookie field, of which apps of one domain may set others: separated by spaces, '' for none. */
export function stickyOf(cookie: string): string {
  if (!cookie.includes(stickyCookie)) return ''
  return cookie
    .split(';')
    .map((part) => part.trim())
    .filter((pair) => pair.startsWith(`${stickyCookie}=`))
    .map((pair) => pair.slice(stickyCookie.length + 1))
    .join(' ')
}

/** The index of the first backend that one of the cookie's values stands for, if it can serve; otherwise -1. */
export function stickyIndex(
  values: string,
  host: string,
  backends: readonly (Backend | undefined)[],
  usable: (index: number) => boolean,
  /** By index. */
  tokens: readonly string[],
): number {
  const given = values.split(' ')
  return backends.findIndex(
    (backend, index) =>
      backend !== undefined &&
      backend.ejectedFor(host) === undefined &&
      usable(index) &&
      given.includes(tokens[index]!),
  )
}
