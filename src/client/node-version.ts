import { PaasError } from '../errors/paas-error.ts'

/** A laptop has whatever Node its owner installed. Throws NODE_TOO_OLD for one that this program does not run on. */
export function refuseOldNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return
  throw new PaasError('NODE_TOO_OLD', `paas needs Node 22.19 or newer; this is Node ${version}.`, {
    hint: 'Install a newer one, and see that it comes first in PATH: node --version',
  })
}
