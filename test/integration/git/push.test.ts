import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { start } from '../../support/process.ts'
import { type Finished, mustRun, run, type SshRig, startSshRig } from '../../support/ssh-rig.ts'

let rig: SshRig
let manager: string
let defaultPush: SshRig['onPush']

beforeAll(async () => {
  rig = await startSshRig()
  manager = await rig.key('mia', 'manage')
  defaultPush = rig.onPush
})
afterAll(() => rig[Symbol.asyncDispose]())
afterEach(() => {
  rig.onPush = defaultPush
})

/** A working copy with one commit on main and a remote `paas` for the app. */
async function workingCopy(app: string, keyFile = manager) {
  const folder = await mkdtemp(join(rig.folder, 'copy-'))
  const env = rig.gitEnv(keyFile)
  const git = (...args: string[]): Promise<Finished> => run('git', ['-C', folder, ...args], { env })
  await git('init', '-q', '-b', 'main')
  await writeFile(join(folder, 'index.js'), 'one')
  await git('add', '.')
  await git('commit', '-q', '-m', 'one')
  await git('remote', 'add', 'paas', rig.url(app))
  return {
    folder,
    env,
    git,
    async commit(text: string): Promise<string> {
      await writeFile(join(folder, 'index.js'), text)
      await git('commit', '-q', '-a', '-m', text)
      return (await git('rev-parse', 'HEAD')).stdout.trim()
    },
  }
}

const appNamed = async (name: string) =>
  (await rig.platform.store.apps.list()).find((app) => app.name === name)
async function repositoryOf(name: string): Promise<string> {
  return join(rig.paths.repos, `${(await appNamed(name))!.id}.git`)
}
/** Refs of an app's repository, as `name commit`. */
async function refs(name: string): Promise<string[]> {
  const { stdout } = await mustRun('git', [
    '-c',
    'safe.directory=*',
    '-C',
    await repositoryOf(name),
    'for-each-ref',
    '--format=%(refname) %(objectname)',
  ])
  return stdout.split('\n').filter((line) => line !== '')
}
/** Marks the app as deployed from a branch, which a deploy that succeeds does. */
async function deployedFrom(name: string, branch: string): Promise<void> {
  await rig.platform.store.apps.save({ ...(await appNamed(name))!, branch })
}

describe('git push', () => {
  it('creates the app, hands over the commit’s files, and takes the ref', async () => {
    const files: string[] = []
    rig.onPush = async (request, { io, identity }) => {
      const tar = join(rig.folder, 'pushed.tar')
      await writeFile(tar, await buffer(io.stdin()))
      files.push(...(await mustRun('tar', ['-tf', tar])).stdout.trim().split('\n'))
      await io.stderr(
        `-----> Deploying ${request.ref} for ${identity.via === 'ssh' ? identity.key.name : '?'}\n`,
      )
      return 0
    }
    const copy = await workingCopy('first')
    const commit = (await copy.git('rev-parse', 'HEAD')).stdout.trim()
    const pushed = await copy.git('push', 'paas', 'main')
    expect(pushed.code, pushed.stderr).toBe(0)
    expect(pushed.stderr).toContain('-----> Creating app first')
    expect(pushed.stderr).toContain('remote: -----> Deploying refs/heads/main for mia')
    expect(files).toEqual(['index.js'])
    expect(await refs('first')).toEqual([`refs/heads/main ${commit}`])
    const owner = await stat(await repositoryOf('first'))
    expect(owner.uid).not.toBe(0)
  })

  it('clones and fetches what was pushed, the deploy branch checked out', async () => {
    const copy = await workingCopy('master-app')
    await copy.git('branch', '-m', 'master')
    expect((await copy.git('push', 'paas', 'master')).code).toBe(0)
    const reader = await rig.key('rita', 'read')
    const target = join(copy.folder, 'clone')
    const cloned = await run('git', ['clone', '-q', rig.url('master-app.git'), target], {
      env: rig.gitEnv(reader),
    })
    expect(cloned).toMatchObject({ code: 0 })
    expect(await readFile(join(target, '.git/HEAD'), 'utf8')).toBe('ref: refs/heads/master\n')
    const archive = await run('git', ['archive', `--remote=${rig.url('master-app')}`, 'master'], {
      env: rig.gitEnv(reader),
    })
    expect(archive.code).toBe(0)
    const push = await run('git', ['-C', target, 'push', 'origin', 'HEAD:master'], {
      env: rig.gitEnv(reader),
    })
    expect(push.stderr).toContain('needs the role deploy')
    expect(push.code).not.toBe(0)
  })

  it('refuses another branch loudly and changes nothing', async () => {
    let deploys = 0
    rig.onPush = (request, session) => {
      deploys++
      return defaultPush(request, session)
    }
    const copy = await workingCopy('branches')
    const early = await copy.git('push', 'paas', 'main:feature')
    expect(early.code).toBe(1)
    expect(early.stderr).toContain('deployed from main or master')
    expect((await copy.git('push', 'paas', 'main')).code).toBe(0)
    await deployedFrom('branches', 'main')
    const before = await refs('branches')
    await copy.commit('two')
    for (const args of [
      ['main:feature'],
      ['main:master'],
      ['main', 'main:feature'],
      [':main'],
      ['--force', 'main:refs/weird/x'],
    ]) {
      const refused = await copy.git('push', 'paas', ...args)
      expect(refused.code, args.join(' ')).toBe(1)
      expect(refused.stderr).toContain(' !     ')
    }
    const hinted = await copy.git('push', 'paas', 'main:feature')
    expect(hinted.stderr).toContain('git push paas feature:main')
    expect(await refs('branches')).toEqual(before)
    expect(deploys).toBe(1)
  })

  it('takes tags along, refuses one alone, and an annotated tag as a branch', async () => {
    const copy = await workingCopy('tags')
    await copy.git('tag', '-a', '-m', 'v1', 'v1')
    const alone = await copy.git('push', 'paas', 'v1')
    expect(alone.code).toBe(1)
    expect(alone.stderr).toContain('git push paas v1^{}:main')
    const followed = await copy.git('push', '--follow-tags', 'paas', 'main')
    expect(followed.code, followed.stderr).toBe(0)
    expect((await refs('tags')).map((line) => line.split(' ')[0])).toEqual([
      'refs/heads/main',
      'refs/tags/v1',
    ])
    await copy.commit('two')
    await copy.git('tag', '-a', '-m', 'v2', 'v2')
    const object = await copy.git('push', 'paas', 'v2:refs/heads/main')
    expect(object.code).toBe(1)
    expect((await copy.git('push', 'paas', 'v2^{}:refs/heads/main')).code).toBe(0)
  })

  it('leaves the ref when the deploy fails, and shows why', async () => {
    const copy = await workingCopy('fails')
    expect((await copy.git('push', 'paas', 'main')).code).toBe(0)
    const before = await refs('fails')
    await copy.commit('broken')
    rig.onPush = async (_request, { io }) => {
      io.stdin().resume()
      await once(io.stdin(), 'end')
      await io.stderr(' !     It does not start.\n')
      return 1
    }
    const failed = await copy.git('push', 'paas', 'main')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('remote:  !     It does not start.')
    expect(failed.stderr).toContain('pre-receive hook declined')
    expect(await refs('fails')).toEqual(before)
  })

  it('works from a shallow clone, and refuses a broken object', async () => {
    const copy = await workingCopy('shallow')
    await copy.commit('two')
    const shallow = join(copy.folder, 'shallow')
    await run('git', ['clone', '-q', '--depth', '1', `file://${copy.folder}`, shallow], { env: copy.env })
    const pushed = await run('git', ['-C', shallow, 'push', rig.url('shallow'), 'main'], { env: copy.env })
    expect(pushed.code, pushed.stderr).toBe(0)
    // A tree that holds `.git` would be a hook on the machine of whoever clones it.
    const blob = (await copy.git('rev-parse', 'HEAD:index.js')).stdout.trim()
    const inner = (
      await run('git', ['-C', copy.folder, 'mktree'], {
        env: copy.env,
        input: `100644 blob ${blob}\tconfig\n`,
      })
    ).stdout.trim()
    const evil = (
      await run('git', ['-C', copy.folder, 'mktree'], {
        env: copy.env,
        input: `040000 tree ${inner}\t.git\n`,
      })
    ).stdout.trim()
    const commit = (await copy.git('commit-tree', '-m', 'evil', evil)).stdout.trim()
    const refused = await copy.git('push', '--force', 'paas', `${commit}:refs/heads/main`)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/hasDotgit|contains '.git'/)
  })

  // git takes a push of fewer than 100 objects apart at once, and says of its size less then.
  it.each([1, 120])('refuses a push that is too large, of %i files', async (count) => {
    const settings = await readFile(rig.paths.gitConfig, 'utf8')
    onTestFinished(() => writeFile(rig.paths.gitConfig, settings))
    await writeFile(rig.paths.gitConfig, settings.replace('maxInputSize = 512m', 'maxInputSize = 1m'))
    const copy = await workingCopy(`large-${count}`)
    for (let i = 0; i < count; i++)
      await writeFile(join(copy.folder, `data-${i}`), randomBytes(2_000_000 / count))
    await copy.git('add', '.')
    await copy.commit('large')
    const { code, stderr } = await copy.git('push', 'paas', 'main')
    expect(code).toBe(1)
    // In either order: git's words come on another stream than ours.
    expect(stderr).toContain('exceeds maximum allowed size')
    expect(stderr).toContain('The push is larger than pushes may be here')
    expect(await readdir(join(await repositoryOf(`large-${count}`), 'objects'))).toEqual(['info', 'pack'])
  })

  it('takes two pushes in turn, and the second sees what the first left', async () => {
    const one = await workingCopy('turns')
    expect((await one.git('push', 'paas', 'main')).code).toBe(0)
    const two = await workingCopy('turns')
    await two.git('fetch', '-q', 'paas')
    await two.git('reset', '-q', '--hard', 'paas/main')
    await two.commit('from two')
    await one.commit('from one')
    const go = Promise.withResolvers<undefined>()
    const started = Promise.withResolvers<undefined>()
    const deployed: string[] = []
    rig.onPush = async (request, session) => {
      deployed.push(request.commit)
      started.resolve(undefined)
      await go.promise
      return defaultPush(request, session)
    }
    const first = one.git('push', 'paas', 'main')
    await started.promise
    const second = start('git', ['-C', two.folder, 'push', 'paas', 'main'], { env: two.env })
    await second.shows(/Waiting for a push of mia to turns/)
    expect(deployed).toHaveLength(1)
    go.resolve(undefined)
    expect((await first).code).toBe(0)
    const refused = await second.finished
    expect(refused.stderr).toContain('[rejected]')
    expect(refused.code).toBe(1)
    expect(deployed).toHaveLength(1)
    expect((await refs('turns'))[0]).toBe(`refs/heads/main ${deployed[0]!}`)
  })

  it('by a pusher who goes away is cancelled: no ref moves, nothing is left, the turn is free', async () => {
    const copy = await workingCopy('leaves')
    expect((await copy.git('push', 'paas', 'main')).code).toBe(0)
    const before = await refs('leaves')
    await copy.commit('gone')
    let started = Promise.withResolvers<undefined>()
    let aborted = 0
    let chatty = false
    rig.onPush = async (_request, { io, signal }) => {
      io.stdin().resume()
      await io.stderr('-----> Building\n')
      started.resolve(undefined)
      // Talks more than every pipe on the way holds, or says nothing at all.
      while (!signal.aborted) {
        if (chatty) await io.stderr('building '.repeat(2000))
        await sleep(5)
      }
      aborted = performance.now()
      signal.throwIfAborted()
      return 0
    }
    for (const how of ['SIGINT', 'SIGKILL'] as const) {
      for (chatty of [false, true]) {
        aborted = 0
        started = Promise.withResolvers<undefined>()
        // A group of its own, as a shell makes it: Ctrl-C reaches git and its ssh.
        const child = spawn('git', ['-C', copy.folder, 'push', 'paas', 'main'], {
          env: copy.env,
          detached: true,
          stdio: 'ignore',
        })
        await started.promise
        await sleep(200)
        const left = performance.now()
        process.kill(-child.pid!, how)
        await vi.waitFor(() => expect(aborted).toBeGreaterThan(0), { timeout: 8000 })
        expect(aborted - left).toBeLessThan(4000)
        await vi.waitFor(async () => expect(await incoming('leaves')).toEqual([]), { timeout: 5000 })
        expect(await refs('leaves')).toEqual(before)
      }
    }
    rig.onPush = defaultPush
    const again = await copy.git('push', 'paas', 'main')
    expect(again.code, again.stderr).toBe(0)
    expect(again.stderr).not.toContain('Waiting')
  }, 60_000)

  it('is not hindered by what a killed one left behind', async () => {
    const copy = await workingCopy('killed')
    expect((await copy.git('push', 'paas', 'main')).code).toBe(0)
    const repository = await repositoryOf('killed')
    await mkdir(join(repository, 'objects/tmp_objdir-incoming-abcdef'))
    for (const lock of ['HEAD.lock', 'packed-refs.lock', 'shallow.lock', 'refs/heads/main.lock']) {
      await writeFile(join(repository, lock), '')
    }
    const commit = await copy.commit('after')
    const pushed = await copy.git('push', 'paas', 'main')
    expect(pushed.code, pushed.stderr).toBe(0)
    expect(await refs('killed')).toEqual([`refs/heads/main ${commit}`])
    expect(await incoming('killed')).toEqual([])
  })

  it('is stopped when its key is removed in the middle', async () => {
    const key = await rig.key('tom', 'manage')
    const copy = await workingCopy('revoked', key)
    const started = Promise.withResolvers<undefined>()
    rig.onPush = async (_request, { signal }) => {
      started.resolve(undefined)
      await once(signal, 'abort')
      signal.throwIfAborted()
      return 0
    }
    const pushing = copy.git('push', 'paas', 'main')
    await started.promise
    const admin = await rig.key('ada', 'admin')
    expect((await rig.ssh(admin, ['keys:remove', 'tom'])).code).toBe(0)
    const { code, stderr } = await pushing
    expect(code).not.toBe(0)
    expect(stderr).toContain('was removed')
    expect(await refs('revoked')).toEqual([])
  })

  it('survives a restart of the controller as a refusal, and the next one works', async () => {
    const copy = await workingCopy('restart')
    const started = Promise.withResolvers<undefined>()
    rig.onPush = async (_request, { signal }) => {
      started.resolve(undefined)
      await once(signal, 'abort')
      signal.throwIfAborted()
      return 0
    }
    const pushing = copy.git('push', 'paas', 'main')
    await started.promise
    await rig.restartApi()
    expect((await pushing).code).not.toBe(0)
    expect(await refs('restart')).toEqual([])
    rig.onPush = defaultPush
    expect((await copy.git('push', 'paas', 'main')).code).toBe(0)
  })

  it('moves much without holding it in memory', async () => {
    const copy = await workingCopy('large')
    // What does not compress need not be tried.
    await copy.git('config', 'core.compression', '0')
    await copy.git('config', 'core.bigFileThreshold', '1m')
    const random = await mustRun('sh', [
      '-c',
      'head -c 60000000 /dev/urandom | base64 -w0 | head -c 60000000',
    ])
    await writeFile(join(copy.folder, 'large.txt'), random.stdout)
    await copy.git('add', '.')
    await copy.git('commit', '-q', '-m', 'large')
    let bytes = 0
    rig.onPush = async (_request, { io }) => {
      for await (const chunk of io.stdin()) bytes += (chunk as Buffer).length
      return 0
    }
    const before = process.memoryUsage().rss
    const pushed = await copy.git('push', 'paas', 'main')
    expect(pushed.code, pushed.stderr).toBe(0)
    expect(bytes).toBeGreaterThan(60_000_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  })
})

async function incoming(app: string): Promise<string[]> {
  const names = await readdir(join(await repositoryOf(app), 'objects'))
  return names.filter((name) => name.includes('incoming'))
}
