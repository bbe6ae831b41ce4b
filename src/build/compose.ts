import { literal } from '../lib/regexp.ts'
import { type Buildpack } from './buildpack.ts'
import { parseDockerfile, stagesOf } from './dockerfile.ts'

/**
 * One Dockerfile out of those of several buildpacks: each builds on what the one before left in `/app` of its
 * stage `build`; only the last one's final stage is the image. A buildpack takes its source from `source`
 * (`COPY --from=source /app …`): the pushed tree for the first, the previous `build` for the others.
 */
export function composeDockerfiles(packs: readonly Pick<Buildpack, 'manifest' | 'dockerfile'>[]): string {
  const last = packs.length - 1
  const parts = packs.map(({ manifest, dockerfile }, index) => {
    const { args, rest } = hoistArgs(dockerfile)
    const before = packs[index - 1]?.manifest.name
    const whole = rest.replace(
      / --from=source((?:\s+--\S+)*)\s+\/app\b/g,
      before === undefined ? '$1 app' : ` --from=${before}-build$1 /app`,
    )
    const text = index === last ? whole : upTo(whole, 'build')
    return { args, text: packs.length === 1 ? text : prefixStages(text, manifest.name) }
  })
  const args = [...new Set(parts.flatMap((part) => part.args))]
  return `${[...args, ''].join('\n')}\n${parts.map(({ text }) => text.trim()).join('\n\n')}\n`
}

/** Arguments for FROM stand before the first FROM, once for all. */
function hoistArgs(dockerfile: string): { args: string[]; rest: string } {
  const lines = dockerfile.split('\n')
  const first = lines.findIndex((line) => /^FROM\s/i.test(line))
  const head = lines.slice(0, first)
  return { args: head.filter((line) => /^ARG\s/i.test(line)), rest: lines.slice(first).join('\n') }
}

/** The stages up to and with `stage`, without those that only the final image needs. */
function upTo(text: string, stage: string): string {
  const lines = text.split('\n')
  const froms = lines.flatMap((line, index) => (/^FROM\s/i.test(line) ? [index] : []))
  const at = froms.findIndex((index) => new RegExp(`\\sAS\\s+${stage}\\s*$`, 'i').test(lines[index] ?? ''))
  return lines.slice(0, froms[at + 1]).join('\n')
}

/** Keeps stages of several buildpacks apart; a FROM may put a stage's name together: `build-${BUILD}`. */
function prefixStages(text: string, prefix: string): string {
  const stages = stagesOf(parseDockerfile(text)).filter((name) => !/^\d+$/.test(name))
  const name = `(${stages.map(literal).join('|')})`
  return text
    .replace(new RegExp(`^(FROM\\s+\\S+\\s+AS\\s+)${name}\\s*$`, 'gim'), `$1${prefix}-$2`)
    .replace(new RegExp(`^(FROM\\s+)${name}(?=\\s)`, 'gim'), `$1${prefix}-$2`)
    .replace(/^(FROM\s+)([a-z][\w-]*-\$\{)/gim, `$1${prefix}-$2`)
    .replace(new RegExp(`(--from=|[,=]from=)${name}(?=[\\s,])`, 'gi'), `$1${prefix}-$2`)
}
