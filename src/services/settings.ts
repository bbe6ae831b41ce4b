import { refuseBeyondMachine } from '../deploy/machine.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type Service } from '../model/service.ts'
import { bringUp } from './container.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'

const leastMemory = 32 * 1024 * 1024

/** Throws INVALID_INPUT for what cannot be a setting of any server. */
export function checkSettings(settings: Record<string, string>, memoryBytes: number | undefined): void {
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[a-z][a-z0-9_.-]{0,63}$/i.test(name) || value.length > 1024 || /[\0\r\n]/.test(value)) {
      throw new PaasError('INVALID_INPUT', `${JSON.stringify(name)} cannot be set like this.`, {
        hint: 'For example: paas services:set db1 max_connections=50',
      })
    }
  }
  if (memoryBytes !== undefined && memoryBytes < leastMemory) {
    throw new PaasError('INVALID_INPUT', 'A service needs at least 32 MB of memory.')
  }
}

/**
 * Changes memory and settings; an empty value takes a setting back to its default. The server restarts with them,
 * and when it does not come up, with what it had before: then SERVICE_FAILED is thrown.
 */
export async function changeSettings(
  service: Service,
  change: { memoryBytes?: number; settings: Record<string, string> },
  context: ServiceContext,
): Promise<Service> {
  checkSettings(change.settings, change.memoryBytes)
  await refuseBeyondMachine({ memoryBytes: change.memoryBytes }, context.platform)
  const { services } = context.platform.store
  return serviceTurn(service, 'services:set', context, async (current) => {
    const all = { ...current.settings, ...change.settings }
    const changed: Service = {
      ...current,
      memoryBytes: change.memoryBytes ?? current.memoryBytes,
      settings: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
    }
    await services.save(changed)
    if (!changed.running) return changed
    context.say(`Restarting ${changed.name} with its new settings`)
    try {
      await bringUp(changed, context)
    } catch (error) {
      context.say(`Back to what it was: ${changed.name} did not come up`)
      await services.save(current)
      // The new settings may be right and the wait cut off: what is stored must be what runs all the same.
      await bringUp(current, { ...context, signal: new AbortController().signal })
      throw error
    }
    return changed
  })
}
