import { messageOf, PaasError } from '../errors/paas-error.ts'

/**
 * Runs one call to the engine and turns its failure into a PaasError that says what was being done. With
 * `missing`, a 404 (and a 304: "already so") gives that value instead.
 */
export async function dockerCall<T>(
  what: string,
  call: () => Promise<T>,
  options?: { missing: T },
): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string }
    if (options !== undefined && (statusCode === 404 || statusCode === 304)) return options.missing
    if (code !== undefined && ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ECONNRESET', 'EPIPE'].includes(code)) {
      throw new PaasError('DOCKER_UNREACHABLE', `Docker does not answer (${code}).`, {
        hint: 'Is dockerd running? `paas doctor` looks at every part.',
        cause: error,
      })
    }
    throw new PaasError('DOCKER_FAILED', `Docker could not ${what}: ${messageOf(error)}`, { cause: error })
  }
}
