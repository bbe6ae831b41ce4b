import { parseDockerfile } from './dockerfile.ts'

/**
 * The time of what steps make before the source is there, the base's own: what is installed does not depend on
 * when. Steps that make something of the source declare `ARG SOURCE_DATE_EPOCH`, the time of the commit.
 */
export const epoch = 1_735_689_600

/**
 * Runs a step, and then gives what it made that time and takes away what tells of the day: logs, and copies that dpkg
 * and ldconfig keep for themselves. Where a base has another find or touch, times stay what they are.
 */
const script = [
  `export SOURCE_DATE_EPOCH="\${SOURCE_DATE_EPOCH:-${epoch}}"`,
  's=$(($(date +%s) - 1))',
  '/bin/sh -c "$0" || exit',
  'rm -f /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old',
  '(find /var/log -type f -newermt @$s -delete; find / -xdev -newermt @$s -exec touch -hd @$SOURCE_DATE_EPOCH {} +) 2> /dev/null',
  ':',
].join('; ')

/** For programs that bring certificates of their own, on an image that is not ours. */
const trusting = [
  'p=/usr/local/share/ca-certificates/paas-machine.pem b=/etc/ssl/certs/ca-certificates.crt',
  'if [ -f $p ]; then export NODE_EXTRA_CA_CERTS=$p SSL_CERT_FILE=$b REQUESTS_CA_BUNDLE=$b PIP_CERT=$b CARGO_HTTP_CAINFO=$b; fi; ',
].join('; ')

const shellOf = (text: string): string => `SHELL ${JSON.stringify(['/bin/sh', '-c', text])}`
const usual = 'SHELL ["/bin/sh", "-c"]'

/** Where in the build context a folder is that gives its time to a copied one. */
export const timesFolder = 'times'

/**
 * Makes a buildpack's Dockerfile give the same bytes whenever it is built, without a word of it in the buildpack: a
 * shell of ours runs its steps, and the folders that its last stage copies get a fixed time. With `trust` steps
 * trust the machine's own certificates, where the image has them.
 */
export function withFixedTimes(
  dockerfile: string,
  { trust = false }: { trust?: boolean } = {},
): { dockerfile: string; folders: string[] } {
  const shelled = withFixingShell(dockerfile, shellOf(trust ? `${trusting}${script}` : script))
  return withFixedCopies(shelled)
}

/** `CMD` and the like are the usual shell's. */
function withFixingShell(dockerfile: string, fixing: string): string {
  const added = new Map<number, string>()
  let shell = usual
  let stage = 0
  for (const { name, line } of parseDockerfile(dockerfile)) {
    if (name === 'FROM') [stage, shell] = [line, usual]
    if (name === 'RUN' && shell === usual) {
      added.set(stage, fixing)
      shell = fixing
    }
    if (/^(?:CMD|ENTRYPOINT|HEALTHCHECK)$/.test(name) && shell === fixing) {
      added.set(line - 1, usual)
      shell = 'done'
    }
  }
  return dockerfile
    .split('\n')
    .flatMap((text, index) => [text, ...(added.has(index + 1) ? [added.get(index + 1)!] : [])])
    .join('\n')
}

/**
 * COPY gives the folder itself the time of now, but what is in it, folders too, the times that they had. So a folder
 * is put into another one first, gets its time from a folder of the build context, and goes with that one.
 */
function withFixedCopies(dockerfile: string): { dockerfile: string; folders: string[] } {
  const folders = new Set<string>()
  const stages: string[] = []
  const lines = dockerfile.split('\n')
  const last = lines.findLastIndex((line) => /^FROM\s/i.test(line))
  const image = lines.slice(last).map((line) => {
    const copy = /^COPY --from=(\S+)( --chown=\S+)? (\/[\w-]+) \/([\w-]+)$/.exec(line)
    if (copy === null) return line
    const [, from, owner = '', source, target] = copy as unknown as [
      string,
      string,
      string?,
      string?,
      string?,
    ]
    const stage = `copied-${stages.length + 1}`
    folders.add(`${timesFolder}/${target}/${target}`)
    stages.push(
      `FROM scratch AS ${stage}\nCOPY --from=${from} ${source} /tree/${target}\nCOPY ${timesFolder}/${target} /tree\n`,
    )
    return `COPY --from=${stage}${owner} /tree /`
  })
  return { dockerfile: [...lines.slice(0, last), ...stages, ...image].join('\n'), folders: [...folders] }
}
