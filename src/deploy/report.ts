import { type Platform } from '../apps/platform.ts'
import { type Report } from '../model/deploy-event.ts'
import { renderEvent } from './render.ts'

/** Tells whoever asked for a deploy, as text, and whoever observes all of them. */
export function reportTo(platform: Pick<Platform, 'observe'>, write: (text: string) => void): Report {
  return (event) => {
    platform.observe(event)
    const text = renderEvent(event)
    if (text !== '') write(text)
  }
}
