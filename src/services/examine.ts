import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { type ServiceContext } from './context.ts'
import { bash, type Datastore } from './service.ts'
import { throwawayLabels } from './throwaway.ts'
import { versionIn } from './version.ts'

/** Milliseconds that an image may take to tell what is in it. */
const limit = 60_000
const memoryBytes = 256 * 1024 * 1024

/** Tells of a user, of what is missing, and the version; the first three arguments are lists of words. */
const look = `
folders=$1 users=$2 programs=$3
shift 3
for user in $users; do
  ! id "$user" > /dev/null 2>&1 || break
  user=
done
if [ -n "$user" ]; then echo "user $user"; else echo "lacks user \${users%% *}"; fi
for program in $programs; do type -P "$program" > /dev/null || echo "lacks $program"; done
for folder in $folders; do
  read -r owner mode < <(stat --format='%U %a' "$folder" 2> /dev/null) || true
  [ "\${owner-}" = "$user" ] || [[ \${mode-} == *7 ]] || echo "lacks folder $folder that \${user:-its user} may write to"
done
sed --version 2> /dev/null | { read -r line; [[ $line == *'(GNU sed)'* ]]; } || echo 'lacks GNU sed'
printf 'version %s\\n' "$("$@" 2> /dev/null | tr '\\n' ' ')"
`

/** What an image has said of itself. */
export type Findings = { code: number; lines: string[]; architecture: string }

/**
 * Looks whether an image of somebody else has what all that is done with a service needs, so that it is refused now
 * and not in the first backup. Resolves to the user that its server runs as. Throws INVALID_INPUT.
 */
export async function examineImage(
  datastore: Datastore,
  image: string,
  { platform, signal }: Pick<ServiceContext, 'platform' | 'signal'>,
): Promise<string> {
  const { engine, instance } = platform
  const { kind, dataFolder = '', user, needs, env, version } = datastore
  const architecture = (await engine.images.inspect(image))?.architecture ?? ''
  const id = await engine.containers.create({
    name: `paas-look-${randomHex(6)}`,
    image,
    entrypoint: [],
    command: bash(
      look,
      dataFolder,
      [user, ...(needs.users ?? [])].join(' '),
      ['setsid', ...needs.programs].join(' '),
      ...version.command,
    ),
    env,
    labels: {
      'paas.instance': instance.name,
      'paas.kind': kind,
      'paas.role': 'throwaway',
      ...throwawayLabels(),
    },
    network: 'none',
    // By its number: there may be no list of users.
    user: '0',
    memoryBytes,
    pidsLimit: 256,
    openFiles: 1024,
  })
  try {
    await engine.containers.start(id)
    const ended = engine.containers.wait(id, AbortSignal.any([signal, AbortSignal.timeout(limit)]))
    const code = await ended.catch(() => signal.throwIfAborted() ?? 124)
    const lines: string[] = []
    for await (const { text } of engine.containers.logs(id, { tail: 100 })) lines.push(text)
    return judge(datastore, image, { code, lines, architecture })
  } finally {
    await engine.containers.remove(id)
  }
}

/** The user that the server runs as; throws for an image that will not do. Pure. */
export function judge({ title, needs }: Datastore, image: string, findings: Findings): string {
  const { code, lines, architecture } = findings
  const told = (word: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1).trim()] : []))
  const refusal = (message: string, hint: string): PaasError =>
    new PaasError('INVALID_INPUT', message, { hint })
  if (lines.some((line) => /exec format error/i.test(line))) {
    throw refusal(
      `${image} is made for ${architecture}, which this server cannot run.`,
      'Choose another tag, or another image.',
    )
  }
  if (code === 127) {
    throw refusal(
      `${image} cannot be used: there is no bash in it, which paas works with.`,
      'Of many images there is one made of Debian or Ubuntu: the tag without -alpine.',
    )
  }
  const [text] = told('version')
  if (text === undefined) {
    throw refusal(
      `${image} does not tell what is in it: ${lines.at(-1) ?? `exit code ${code}`}`,
      `Is it one of ${title}, made of Debian or Ubuntu?`,
    )
  }
  const lacking = told('lacks')
  if (lacking.length > 0) {
    throw refusal(
      `${image} is not made like the official image of ${title}: it has no ${lacking.join(', no ')}.`,
      `Is it one of ${title}, made of Debian or Ubuntu?`,
    )
  }
  const version = versionIn(text)
  if (version === '') throw refusal(`${image} does not tell its version.`, `Is it one of ${title}?`)
  if (isOlder(version, needs.version)) {
    throw refusal(
      `${image} is ${title} ${version}; paas needs ${needs.version} or newer.`,
      'Leave --image out for the version of Debian.',
    )
  }
  return told('user')[0]!
}

/** Whether a version comes before another one; what is no version does not. */
function isOlder(version: string, least: string): boolean {
  const numbers = (text: string): number[] => text.split('.').map((part) => Number.parseInt(part, 10))
  const [found, wanted] = [numbers(version), numbers(least)]
  for (const [place, number] of wanted.entries()) {
    const other = found[place] ?? 0
    if (Number.isNaN(other) || other > number) return false
    if (other < number) return true
  }
  return false
}
