import { gte, valid } from 'semver'
import { type Platform } from '../apps/platform.ts'
import { look, type Part } from './part.ts'

/** The first releases without CVE-2025-31133, 52565 and 52881, ways out of a container, by branch. */
const fixedIn = ['1.2.8', '1.3.3', '1.4.0']

/** Whether a version of runc has the fixes by its number; undefined for what is no version. */
export function hasFixes(version: string): boolean | undefined {
  // Debian's `1.1.5+ds1` and Docker's `1.3.3` alike.
  const plain = valid(version.replace(/^v/, '').replace(/[+~].*$/, ''))
  if (plain === null) return undefined
  const branch = plain.split('.').slice(0, 2).join('.')
  const fixed = fixedIn.find((one) => one.startsWith(`${branch}.`))
  return gte(plain, fixed ?? '1.4.0')
}

/** What starts containers, and what keeps them in. An old one is a warning: distributions add fixes to old versions. */
export const runc = ({ engine }: Platform): Promise<Part> =>
  look('runc', 'See the part docker.', async () => {
    const { Components: parts } = await engine.docker.version()
    const found = parts.find(({ Name }) => Name === 'runc')
    if (found === undefined) return { healthy: true, finding: 'the engine does not say which it has' }
    const version = found.Version
    if (hasFixes(version) !== false) return { version, healthy: true, finding: 'starts containers' }
    return {
      version,
      healthy: true,
      finding:
        'older than the fixes of CVE-2025-31133, 52565 and 52881, unless the distribution has added them',
      fix:
        'Keep it up to date (apt-get install --only-upgrade runc), and let only people push whom you would let onto the ' +
        'server: all apps share its kernel.',
    }
  })
