import semver from 'semver'
import { PaasError } from '../errors/paas-error.ts'
import { type Versions } from './buildpack.ts'
import { type Answer } from './probe.ts'

/**
 * Decides which version an app gets: the best that the base has, the wish itself where the buildpack can take
 * others from a registry, or an error that says what there is.
 */
export function chooseVersion(versions: Versions, wish: Answer | undefined): string {
  const best = versions.have[0] ?? ''
  if (wish === undefined || wish.text === '') return best
  const range = rangeOf(versions.syntax, wish.text)
  if (range === undefined)
    throw new PaasError(
      'SOURCE_REFUSED',
      `${wish.why} asks for ${versions.of} ${JSON.stringify(wish.text)}, which is no version.`,
      { hint: `Write for example ${best}.` },
    )
  const satisfying = versions.have.find((version) => satisfies(version, range))
  if (satisfying !== undefined) return satisfying
  if (versions.others) return wish.text
  throw new PaasError(
    'SOURCE_REFUSED',
    `${wish.why} asks for ${versions.of} ${wish.text}, and the base image has ${versions.have.join(', ')}.`,
    { hint: `Ask for ${best} there, or name a base image that has it: paas base:set IMAGE` },
  )
}

/** `3.13` of Debian stands for any patch of it, so it satisfies what overlaps with `3.13.x`. */
function satisfies(version: string, range: string): boolean {
  const parts = version.split('.').length
  return parts === 3 ? semver.satisfies(version, range) : semver.intersects(`${version}.x`, range)
}

/** Writes a language's version wish as an npm range; undefined where it is none. */
export function rangeOf(syntax: Versions['syntax'], wish: string): string | undefined {
  const range = translate[syntax](wish.trim())
  return semver.validRange(range) === null ? undefined : range
}

const translate: Record<Versions['syntax'], (wish: string) => string> = {
  npm: (wish) => wish.replace(/^v(?=\d)/, '').replace(/^(lts\/.*|lts|latest|node|stable|current)$/i, '*'),
  minimum: (wish) => `>=${wish}`,
  composer: (wish) =>
    wish
      .replace(/\s*\|\|?\s*/g, ' || ')
      .replace(/,\s*/g, ' ')
      .replace(/@\w+/g, ''),
  gem: (wish) => wish.split(',').map(pessimistic).join(' '),
  pep440: (wish) =>
    wish
      .split(',')
      .map((clause) => clause.replace(/^\s*===?\s*/, '=').replace(/\.\*\s*$/, '.x'))
      .map(withoutExclusion)
      .map(pessimistic)
      .join(' '),
}

/** npm ranges cannot exclude; an excluded patch does not matter to a version of two parts. */
const withoutExclusion = (clause: string): string => (/^\s*!=/.test(clause) ? '*' : clause)

/** `~> 3.3` and `~=3.3`: at least that, below the next of the part before the last. */
function pessimistic(clause: string): string {
  const match = /^\s*~[>=]\s*(\d+(?:\.\d+)*)\s*$/.exec(clause)
  if (match?.[1] === undefined) return clause.trim().replace(/^([<>=!]+)\s+/, '$1')
  return match[1].split('.').length <= 2 ? `^${match[1]}` : `~${match[1]}`
}
