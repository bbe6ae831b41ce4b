import type Dockerode from 'dockerode'
import { dockerCall } from './call.ts'
import { jsonLines } from './json-lines.ts'
import { type EngineStream } from './log-stream.ts'

export type ContainerEvent = {
  action: 'start' | 'die' | 'oom' | 'destroy'
  id: string
  labels: Record<string, string>
}

type EngineEvent = {
  Action: ContainerEvent['action']
  Actor: { ID: string; Attributes: Record<string, string> }
}

/** Container events with this `name=value` label, until the engine goes away or the signal aborts. */
export async function* containerEvents(
  docker: Dockerode,
  label: string,
  signal: AbortSignal,
): AsyncGenerator<ContainerEvent> {
  const stream = (await dockerCall('read events', () =>
    docker.getEvents({
      filters: { type: ['container'], event: ['start', 'die', 'oom', 'destroy'], label: [label] },
    }),
  )) as EngineStream
  const stop = () => stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    for await (const event of jsonLines<EngineEvent>(stream)) {
      yield { action: event.Action, id: event.Actor.ID, labels: event.Actor.Attributes }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
}
