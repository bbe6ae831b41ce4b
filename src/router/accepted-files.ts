import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type RouterSettings } from './settings.ts'

/** Linux takes no longer value in an environment. */
const mostBytes = 100_000

/** What a router goes by that is in files, whatever becomes of them before the next reload. */
export const AcceptedFiles = z.object({
  configText: z.string().optional(),
  /** By path. */
  pem: z.record(z.string(), z.string()),
})
export type AcceptedFiles = z.infer<typeof AcceptedFiles>

/** The settings with what the files of their listeners hold now. */
export function withFiles<T extends RouterSettings>(settings: T): T {
  const paths = settings.listen.flatMap(({ tls }) =>
    tls === undefined ? [] : [tls.key, tls.cert, ...tls.ca],
  )
  return { ...settings, pem: Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'utf8')])) }
}

/** For the environment of a worker; '' where it is too long for that, and the worker reads the files itself. */
export function filesText({ configText, pem }: RouterSettings): string {
  const text = JSON.stringify({ configText, pem: pem ?? {} } satisfies AcceptedFiles)
  return Buffer.byteLength(text) < mostBytes ? text : ''
}

export function parseFiles(text: string | undefined): AcceptedFiles | undefined {
  return text === undefined || text === '' ? undefined : AcceptedFiles.parse(JSON.parse(text))
}
