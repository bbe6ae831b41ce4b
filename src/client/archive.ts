import { spawn } from 'node:child_process'
import { PaasError } from '../errors/paas-error.ts'

/** The files of a commit of the repository that this is started in, as a tar. */
export async function* archiveOf(ref: string): AsyncGenerator<Buffer> {
  const child = spawn('git', ['archive', '--format=tar', '--end-of-options', ref], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = new Promise<number | null>((resolve) =>
    child.once('error', () => resolve(127)).once('close', resolve),
  )
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk
  if ((await exit) === 0) return
  throw new PaasError('INVALID_INPUT', `There is no commit ${JSON.stringify(ref)} here.`, {
    hint: 'Run it in a clone, or send a tar: git archive main | paas deploy --plan -',
  })
}
