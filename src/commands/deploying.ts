import { type DeployContext } from '../deploy/context.ts'
import { reportTo } from '../deploy/report.ts'
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
