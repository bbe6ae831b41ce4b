import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'

/**
 * Throws INVALID_INPUT for a limit that is more than the server has: it would limit nothing, and of cores Docker starts
 * no container with it.
 */
export async function refuseBeyondMachine(
  { memoryBytes = 0, cpus = 0 }: { memoryBytes?: number | undefined; cpus?: number | undefined },
  { engine }: Pick<Platform, 'engine'>,
): Promise<void> {
  if (memoryBytes === 0 && cpus === 0) return
  const machine = await engine.about()
  if (memoryBytes > (machine.memoryBytes ?? Infinity)) {
    const mebibytes = Math.floor(machine.memoryBytes! / 1024 ** 2)
    throw beyond(`memory: the server has ${mebibytes} MiB`, `At most ${mebibytes}m.`)
  }
  if (cpus > (machine.cores ?? Infinity)) {
    throw beyond(`cores: the server has ${machine.cores!}`, `At most ${machine.cores!}.`)
  }
}

const beyond = (what: string, hint: string): PaasError =>
  new PaasError('INVALID_INPUT', `That is too much ${what}.`, { hint })
