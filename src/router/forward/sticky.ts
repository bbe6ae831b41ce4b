import { type Backend } from './backend.ts'

/** The cookie that keeps a visitor at one backend: a signature of host and backend, and nothing else. */
const stickyCookie = 'paas_backend'

/** The field line that sets the cookie, '' for none. */
export const setStickyCookie = (value: string): string =>
  value === '' ? '' : `Set-Cookie: ${stickyCookie}=${value}; Path=/; HttpOnly; SameSite=Lax\r\n`

/** The cookie's value in a Cookie field, or ''. */
export function stickyOf(cookie: string): string {
  if (!cookie.includes(stickyCookie)) return ''
  for (const part of cookie.split(';')) {
    const pair = part.trim()
    if (pair.startsWith(`${stickyCookie}=`)) return pair.slice(stickyCookie.length + 1)
  }
  return ''
}

/** The index of the backend that a cookie stands for, if it can serve; otherwise -1. */
export function stickyIndex(
  value: string,
  host: string,
  backends: readonly (Backend | undefined)[],
  usable: (index: number) => boolean,
  token: (url: string) => string,
): number {
  if (value === '') return -1
  return backends.findIndex(
    (backend, index) =>
      backend !== undefined &&
      backend.ejectedFor(host) === undefined &&
      usable(index) &&
      token(backend.url) === value,
  )
}
