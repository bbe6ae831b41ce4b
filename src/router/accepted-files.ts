import { readFileSync } from 'node:fs'
import { type TlsOptions } from 'node:tls'
import { z } from 'zod'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type RouterSettings, type TlsFiles } from './settings.ts'

/** Linux takes no longer value in an environment, nor much more of them in all. */
const pieceBytes = 100_000
const mostBytes = 1_500_000

/** What a router goes by that is in files, whatever becomes of them before the next reload. */
export const AcceptedFiles = z.object({
  configText: z.string().optional(),
  /** By path. */
  pem: z.record(z.string(), z.string()),
})
export type AcceptedFiles = z.infer<typeof AcceptedFiles>

/** Not UTF-8: PKCS #12 is no text. */
function readBytes(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (cause) {
    throw new PaasError('INVALID_INPUT', `A file that HTTPS needs cannot be read: ${messageOf(cause)}.`, {
      cause,
      hint: 'Correct its path in the configuration, or let the router read it.',
    })
  }
}

/** A path, not PEM as it is nor the word that node:tls knows for `dhparam`. */
const isPath = (value: string): boolean => value !== 'auto' && !value.includes('-----BEGIN ')

/** The settings with what the files of their listeners hold now. */
export function withFiles<T extends RouterSettings>(settings: T): T {
  const paths = settings.listen
    .flatMap(({ tls }) => [tls?.key, tls?.cert, tls?.pfx, tls?.dhparam, tls?.ca, tls?.crl].flat())
    .filter((value) => value !== undefined)
    .filter(isPath)
  return { ...settings, pem: Object.fromEntries(paths.map((path) => [path, readBytes(path)])) }
}

/** What `tls` names, for node:tls: as it was accepted, or else as it is now. */
export function readTlsFiles(tls: TlsFiles, pem: RouterSettings['pem']): TlsOptions {
  const read = (value: string): string | Buffer =>
    isPath(value) ? Buffer.from(pem?.[value] ?? readBytes(value), 'latin1') : value
  const readAny = (value: string | undefined) => (value === undefined ? undefined : read(value))
  return {
    ...tls,
    key: readAny(tls.key),
    cert: readAny(tls.cert),
    pfx: readAny(tls.pfx),
    dhparam: readAny(tls.dhparam),
    ca: tls.ca?.map(read),
    crl: tls.crl?.map(read),
  }
}

/**
 * For the environment of a worker: variables `name`_0, `name`_1 and so on. Nothing where it is too long for that, and the
 * worker reads the files itself.
 */
export function filesToEnv(name: string, { configText, pem }: RouterSettings): Record<string, string> {
  const files: AcceptedFiles = { configText, pem: pem ?? {} }
  const text = Buffer.from(JSON.stringify(files)).toString('base64')
  if (text.length > mostBytes) return {}
  const pieces = text.match(new RegExp(`.{1,${pieceBytes}}`, 'g')) ?? []
  return Object.fromEntries(pieces.map((piece, i) => [`${name}_${i}`, piece]))
}

export function filesFromEnv(name: string, env: NodeJS.ProcessEnv): AcceptedFiles | undefined {
  let text = ''
  for (let i = 0; ; i += 1) {
    const piece = env[`${name}_${i}`]
    if (piece === undefined) break
    text += piece
  }
  return text === '' ? undefined : AcceptedFiles.parse(JSON.parse(Buffer.from(text, 'base64').toString()))
}
