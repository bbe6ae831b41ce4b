import { readFile } from 'node:fs/promises'
import { PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { Instance } from '../model/instance.ts'

/** The settings of the instance; undefined where there is none. Throws STATE_CORRUPT where they do not parse. */
export async function readInstance(paths: InstancePaths): Promise<Instance | undefined> {
  const text = await readFile(paths.settings, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return Instance.parse(JSON.parse(text))
  } catch (error) {
    throw new PaasError('STATE_CORRUPT', `${paths.settings} is not a valid settings file.`, {
      hint: 'Restore it from a backup, or correct what the cause names.',
      cause: error,
    })
  }
}
