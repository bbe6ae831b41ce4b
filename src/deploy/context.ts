import { type Platform } from '../apps/platform.ts'
import { type Report } from '../model/deploy-event.ts'

/** What every stage of a deploy is given. */
export type DeployContext = {
  platform: Platform
  report: Report
  /** Aborts the deploy; honoured until traffic is switched. */
  signal: AbortSignal
  /** Seconds that the stages of this deploy have taken so far. */
  stageTimes?: () => Record<string, number>
  /** Who asked, for the release and the queue. */
  actor: string
}
