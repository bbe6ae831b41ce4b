import { own } from '../lib/own.ts'
import { type Check } from '../model/check.ts'
import { type Image } from '../model/release.ts'

/** The checks of a process type that come with the image: app.json's, or for web its HEALTHCHECK. Pure. */
export function checksWithImage({ checks, healthcheck }: Image, type: string): Check[] | undefined {
  return own(checks, type) ?? (type === 'web' ? healthcheck : undefined)
}
