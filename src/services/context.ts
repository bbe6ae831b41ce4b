import { type DeployContext } from '../deploy/context.ts'

/** What everything that is done with services is given: links are releases, so it is a deploy's context too. */
export type ServiceContext = DeployContext & {
  /** Tells the person who waits what is being done. */
  say: (line: string) => void
}
