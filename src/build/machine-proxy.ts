import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'

const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'ALL_PROXY', 'NO_PROXY'] as const

/**
 * The proxy that this machine uses, from the environment of the controller or else from the file that sets it for
 * every login. Under these names BuildKit gives it to steps in both spellings, and keeps it out of the image, its
 * history and its cache (Dockerfile reference, predefined ARGs).
 */
export async function machineProxy(
  env: NodeJS.ProcessEnv = process.env,
  file = '/etc/environment',
): Promise<Record<string, string>> {
  const fromFile = parseEnv(await readFile(file, 'utf8').catch(() => ''))
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const found = [env, fromFile]
        .flatMap((one) => [one[name], one[name.toLowerCase()]])
        .find((value) => value !== undefined && value !== '')
      return found === undefined ? [] : [[name, found]]
    }),
  )
}

/** For programs that are started here: some know the one spelling, apt the other. */
export const bothSpellings = (proxy: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(proxy).flatMap(([name, value]) => [
      [name, value],
      [name.toLowerCase(), value],
    ]),
  )
