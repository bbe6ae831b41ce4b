import { describe, expect, it } from 'vitest'
import { parseUpdates, planPush, pushOptions, type RefUpdate } from '../../../src/client/push-rules.ts'

const none = '0'.repeat(40)
const one = '1'.repeat(40)
const two = '2'.repeat(40)
const update = (ref: string, commit = two, oldCommit = one): RefUpdate => ({ oldCommit, commit, ref })

describe('planPush', () => {
  it.each([
    ['main', undefined],
    ['master', undefined],
    ['main', 'main'],
    ['master', 'master'],
    ['release/2', 'release/2'],
  ])('deploys %s where the branch is %s', (pushed, branch) => {
    const main = update(`refs/heads/${pushed}`)
    expect(planPush([main], branch, 'blog')).toEqual({ deploy: main, notes: [] })
  })

  it.each([
    ['another branch', [update('refs/heads/feature')], 'main', 'feature was not taken'],
    [
      'another branch as the first push',
      [update('refs/heads/feature', two, none)],
      undefined,
      'deployed from main or master',
    ],
    ['master where main is deployed', [update('refs/heads/master')], 'main', 'master was not taken'],
    [
      'the branch and another one',
      [update('refs/heads/main'), update('refs/heads/x')],
      'main',
      'x was not taken',
    ],
    [
      'both of a first push',
      [update('refs/heads/main'), update('refs/heads/master')],
      undefined,
      'Push one branch',
    ],
    ['deleting the branch', [update('refs/heads/main', none)], 'main', 'cannot be deleted'],
    ['deleting another branch', [update('refs/heads/x', none)], 'main', 'was not taken'],
    ['a tag alone', [update('refs/tags/v1')], 'main', 'v1 was not taken'],
    ['a note', [update('refs/notes/commits')], 'main', 'neither a branch nor a tag'],
    ['refs of its own kind', [update('refs/heads/main'), update('refs/changes/1')], 'main', 'neither'],
    ['HEAD', [update('HEAD')], 'main', 'neither'],
  ])('refuses %s', (_what, updates, branch, message) => {
    expect(() => planPush(updates, branch, 'blog')).toThrow(message)
  })

  it('says how to push another branch', () => {
    try {
      planPush([update('refs/heads/feature')], 'main', 'blog')
    } catch (error) {
      expect(error).toMatchObject({ code: 'PUSH_REFUSED', hint: 'To deploy it: git push paas feature:main' })
      return
    }
    throw new Error('was taken')
  })

  it('takes tags along and lets them be removed', () => {
    const main = update('refs/heads/main')
    expect(planPush([update('refs/tags/v1', two, none), main], 'main', 'blog').deploy).toBe(main)
    expect(planPush([update('refs/tags/v1', none)], 'main', 'blog')).toEqual({ deploy: undefined, notes: [] })
  })
})

describe('parseUpdates', () => {
  it('reads what git writes', () => {
    expect(parseUpdates(`${none} ${one} refs/heads/main\n${one} ${two} refs/tags/v1\n`)).toEqual([
      update('refs/heads/main', one, none),
      update('refs/tags/v1'),
    ])
    expect(parseUpdates('')).toEqual([])
  })
})

describe('pushOptions', () => {
  const given = (...options: string[]): NodeJS.ProcessEnv => ({
    GIT_PUSH_OPTION_COUNT: String(options.length),
    ...Object.fromEntries(options.map((option, i) => [`GIT_PUSH_OPTION_${i}`, option])),
  })

  it('knows clear-cache, and says what it does not know', () => {
    expect(pushOptions({})).toEqual({ clearCache: false, unknown: [] })
    expect(pushOptions(given('clear-cache'))).toEqual({ clearCache: true, unknown: [] })
    expect(pushOptions(given('ci.skip', 'clear-cache'))).toEqual({
      clearCache: true,
      unknown: ['The push option "ci.skip" has no effect here.'],
    })
  })
})
