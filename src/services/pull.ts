import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type ServiceContext } from './context.ts'

/** Pulls an image that somebody has named. Throws NOT_FOUND, INVALID_INPUT or DOCKER_FAILED. */
export async function pullImage(
  image: string,
  { platform, say, signal }: Pick<ServiceContext, 'platform' | 'say' | 'signal'>,
): Promise<void> {
  say(`Pulling ${image}`)
  try {
    await platform.engine.images.pull(image, { signal, onStatus: () => undefined })
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof PaasError && error.code === 'DOCKER_UNREACHABLE') throw error
    throw pullFailure(image, error)
  }
}

/** What to tell of a pull that failed: the engine has many words for few reasons. Pure. */
export function pullFailure(image: string, cause: unknown): PaasError {
  const reason = messageOf(cause).replace(/^Docker could not pull \S+: /, '')
  if (/no matching manifest|no match for platform|does not match the specified platform/.test(reason)) {
    return new PaasError('INVALID_INPUT', `${image} is not there for the processor of this server.`, {
      hint: 'Choose another tag, or another image.',
      cause,
    })
  }
  if (/manifest unknown|not found|access denied|repository does not exist/.test(reason)) {
    return new PaasError('NOT_FOUND', `There is no image ${image}, or it is not for everybody.`, {
      hint: 'An image is named like postgres:18, or registry.example.com/postgres:18.',
      cause,
    })
  }
  return new PaasError('DOCKER_FAILED', `${image} could not be pulled: ${reason}`, {
    hint: 'Can this server reach the registry? Nothing was changed.',
    cause,
  })
}
