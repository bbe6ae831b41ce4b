import { PaasError } from '../errors/paas-error.ts'

/** One line of a pre-receive hook's stdin: object ids, all zeros for "none", and the full name of the ref. */
export type RefUpdate = { oldCommit: string; commit: string; ref: string }

/** What an accepted push asks for: a deploy, or (tags removed) nothing. */
export type PushPlan = { deploy: RefUpdate | undefined; notes: string[] }

const none = /^0+$/

export function parseUpdates(text: string): RefUpdate[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [oldCommit = '', commit = '', ...ref] = line.split(' ')
      return { oldCommit, commit, ref: ref.join(' ') }
    })
}

/**
 * What `git push -o` asked for, as git hands it to hooks (githooks, pre-receive). An option that is not known changes
 * nothing, since people set some for every server that they push to, and is said.
 */
export function pushOptions(env: NodeJS.ProcessEnv): { clearCache: boolean; unknown: string[] } {
  const count = Number(env['GIT_PUSH_OPTION_COUNT'] ?? 0)
  const options = Array.from({ length: count }, (_, i) => env[`GIT_PUSH_OPTION_${i}`] ?? '')
  const unknown = options.filter((option) => option !== clearCacheOption)
  return {
    clearCache: options.includes(clearCacheOption),
    unknown: unknown.map(
      (option) => `The push option ${JSON.stringify(option.slice(0, 60))} has no effect here.`,
    ),
  }
}

const clearCacheOption = 'clear-cache'

/**
 * Decides what a push does. Only the app's deploy branch is taken: while there is none, main or master. Every
 * other branch is refused, so that nothing is ever pushed and silently not deployed. Tags may come along with
 * the branch and may be removed. Throws PUSH_REFUSED.
 */
export function planPush(updates: readonly RefUpdate[], branch: string | undefined, app: string): PushPlan {
  const branches = updates.filter(({ ref }) => ref.startsWith('refs/heads/'))
  const tags = updates.filter(({ ref }) => ref.startsWith('refs/tags/'))
  const other = updates.find((update) => !branches.includes(update) && !tags.includes(update))
  if (other !== undefined) throw refused(`${other.ref} is neither a branch nor a tag.`)

  const accepted = branch === undefined ? ['main', 'master'] : [branch]
  const target = accepted[0]!
  const wrong = branches.find(({ ref }) => !accepted.includes(nameOf(ref)))
  if (wrong !== undefined) {
    const name = nameOf(wrong.ref)
    throw refused(`${app} is deployed from ${accepted.join(' or ')}; the branch ${name} was not taken.`, [
      `To deploy it: git push paas ${name}:${target}`,
    ])
  }
  const [deploy, second] = branches
  if (second !== undefined) throw refused('Push one branch: main or master.', ['git push paas main'])
  if (deploy !== undefined && none.test(deploy.commit)) {
    throw refused(`${nameOf(deploy.ref)} is what ${app} is deployed from and cannot be deleted.`, [
      `To take the app down: paas apps:destroy -a ${app}`,
    ])
  }
  const added = tags.filter(({ commit }) => !none.test(commit)).map(({ ref }) => nameOf(ref))
  if (deploy === undefined && added.length > 0) {
    throw refused(`A tag alone deploys nothing; ${added.join(', ')} was not taken.`, [
      `To deploy it: git push paas ${added[0]!}^{}:${target}`,
    ])
  }
  return { deploy, notes: added.map((tag) => `The tag ${tag} is kept with the branch.`) }
}

const nameOf = (ref: string): string => ref.replace(/^refs\/(?:heads|tags)\//, '')

function refused(message: string, hint: string[] = []): PaasError {
  return new PaasError('PUSH_REFUSED', message, hint.length === 0 ? {} : { hint: hint.join('\n') })
}
