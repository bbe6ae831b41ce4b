import { type App } from '../model/app.ts'
import { type Image, type Release } from '../model/release.ts'
import { type Container } from '../schedulers/scheduler.ts'

/** What a release is made from: everything is known, nothing is stored yet. */
export type Draft = {
  app: App
  /** What becomes of the app once the release is live, and only then. */
  change?: Partial<Pick<App, 'branch' | 'formation' | 'limits' | 'checks'>>
  image: Image
  /** Sealed config; see store/secrets.ts. */
  config: Release['config']
  /** Config of every app; undefined: as it is now. */
  globalConfig?: Release['globalConfig']
  /** True where the image has not been released before. */
  newImage?: boolean
  description: string
  commit?: string
}

/** A release that is stored. */
export type Released = { app: App; release: Release }

/** Its new containers run beside the old ones; none of them gets traffic yet. */
export type Candidates = Released & {
  started: Container[]
  /** Containers of this very release that stay. */
  kept: Container[]
  /** Containers that go once traffic has been switched. */
  outgoing: Container[]
}

declare const proven: unique symbol
/** Every candidate has passed its checks. Only deploy/check.ts makes this, and only this can be routed. */
export type Healthy = Candidates & { readonly [proven]: true }

/** Traffic goes to the release, and the state says so. */
export type Routed = Released & { outgoing: Container[]; routeVersion: number; retiredBackends: string[] }
