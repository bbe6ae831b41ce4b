import { type DeployContext } from '../deploy/context.ts'
import { reportTo } from '../deploy/report.ts'
import { type Asker } from '../apps/queue.ts'
import { renderEvent } from '../deploy/render.ts'
import { identityName } from '../model/key.ts'
import { type CommandContext } from './define.ts'

/** A deploy's context for a command: its progress goes to the caller's stderr in Heroku's style. */
export function deployContext({ platform, identity, io, signal }: CommandContext): DeployContext {
  return {
    platform,
    signal,
    actor: identityName(identity),
    report: reportTo(platform, (text) => void io.stderr(text)),
  }
}

/** Whoever asks for a change of an app: an interrupt takes it back while it waits its turn, and it says for whom it waits. */
export function askerOf({ identity, signal, io }: CommandContext): Asker {
  return {
    owner: identityName(identity),
    signal,
    onWait: (ahead) => void io.stderr(renderEvent({ type: 'queue:waiting', ...ahead })),
  }
}
