import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hooksPath } from '../../../src/git/config.ts'
import { hostileLines, inParallel } from '../../support/hostile-lines.ts'
import { clientFile, run, type SshRig, startSshRig } from '../../support/ssh-rig.ts'

let rig: SshRig
let key: string

beforeAll(async () => {
  rig = await startSshRig({ trace: true })
  key = await rig.key('mallory', 'deploy', ['blog'])
  const admin = await rig.key('amy', 'admin')
  expect((await rig.ssh(admin, ['apps:create', 'blog'])).code).toBe(0)
  expect((await rig.ssh(admin, ['apps:create', 'shop'])).code).toBe(0)
})
afterAll(() => rig[Symbol.asyncDispose]())

type Program = { path: string; argv: string[] }

/** The programs that were started since an offset of the trace. */
async function programs(from: number): Promise<{ found: Program[]; end: number }> {
  const trace = await readFile(rig.traceFile, 'utf8')
  const found = trace
    .slice(from)
    .split('\n')
    .filter((line) => line.includes('execve(') && !line.includes(') = -1'))
    .map((line) => {
      const [, path, argv] = /execve\("([^"]*)", \[(.*)\], 0x/.exec(line) ?? []
      if (path === undefined || argv === undefined) throw new Error(`cannot read ${line}`)
      return { path, argv: [...argv.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!) }
    })
  return { found, end: trace.length }
}

/** What a session may start: sshd, the user's shell with the line of authorized_keys, the launcher, the client. */
function isOurs({ path, argv }: Program): boolean {
  const key = /^k[0-9a-z]{15}$/
  switch (path) {
    case '/usr/sbin/sshd':
      return true
    case '/bin/sh': {
      const [name, flag, line, ...more] = argv
      const [exec, launcher, option, id, ...rest] = line?.split(' ') ?? []
      const shell = name === 'sh' && flag === '-c' && more.length === 0 && exec === 'exec'
      return (
        shell &&
        launcher === rig.paths.launcher &&
        option === '--ssh-key-id' &&
        key.test(id ?? '') &&
        rest.length === 0
      )
    }
    case rig.paths.launcher:
      return argv.length === 3 && argv[1] === '--ssh-key-id' && key.test(argv[2]!)
    case process.execPath:
      return argv.length === 4 && argv[1] === clientFile && argv[2] === '--ssh-key-id' && key.test(argv[3]!)
    default:
      return false
  }
}

describe('hostile commands over ssh', () => {
  it('are at least 60', () => {
    expect(new Set(hostileLines).size).toBeGreaterThanOrEqual(60)
  })

  it('each get one clear refusal, and start nothing but the client', async () => {
    const { end } = await programs(0)
    const refusals = await inParallel(hostileLines, async (line) => ({
      line,
      ...(await rig.ssh(key, [line])),
    }))
    for (const { line, code, stdout, stderr } of refusals) {
      const shown = `${JSON.stringify(line.slice(0, 60))}: ${stderr}`
      expect([2, 4], shown).toContain(code)
      expect(stdout, shown).toBe('')
      expect(stderr, shown).toMatch(/^ !     [^\n]+\n/)
      expect(stderr.length, shown).toBeLessThan(500)
      expect(stderr, shown).not.toMatch(/uid=|root:x:|[\x00-\x09\x0b-\x1f]/)
    }
    expect((await programs(end)).found.filter((program) => !isOurs(program))).toEqual([])
    expect(await run('ls', [rig.paths.repos])).toMatchObject({ stdout: '' })
  }, 180_000)

  it('are refused with exit 4 where they are no paas command', async () => {
    for (const line of [
      'id',
      'apps:list; id',
      'git-lfs-authenticate blog',
      "git-upload-pack '../x'",
      'scp -t /',
      'paas-wire-2',
      '--pre-receive',
    ]) {
      const { code, stderr } = await rig.ssh(key, [line])
      expect({ line, code, lines: stderr.trimEnd().split('\n').length }).toEqual({ line, code: 4, lines: 1 })
    }
  })

  it('cannot forward, get a shell or a subsystem, or bring an environment', async () => {
    const { end } = await programs(0)
    const target = `${rig.user}@127.0.0.1`
    const ssh = (...args: string[]) =>
      run('ssh', [...rig.sshOptions(key), '-p', String(rig.port), ...args], { timeoutMs: 10_000 })
    const local = await ssh('-o', 'ExitOnForwardFailure=yes', '-W', '127.0.0.1:22', target)
    expect(local.stderr).toContain('forwarding failed')
    const remote = await ssh('-o', 'ExitOnForwardFailure=yes', '-N', '-R', '0:127.0.0.1:22', target)
    expect(remote.code).toBe(255)
    expect((await ssh('-s', target, 'sftp')).stdout).toBe('')
    const sftp = join(rig.folder, 'batch')
    await writeFile(sftp, 'get /etc/passwd\n')
    expect(
      (
        await run('sftp', [...rig.sshOptions(key), '-P', String(rig.port), '-b', sftp, target], {
          timeoutMs: 10_000,
        })
      ).code,
    ).not.toBe(0)
    const agent = await ssh('-A', '-X', '-tt', target, 'keys:list')
    expect(agent.code).toBe(4)
    const env = {
      ...process.env,
      LD_PRELOAD_: 'x',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.hooksPath',
      GIT_CONFIG_VALUE_0: '/tmp',
      PAAS_ROOT: '/tmp',
      NODE_OPTIONS: '--version',
    }
    const sent = await run(
      'ssh',
      [
        ...rig.sshOptions(key),
        '-o',
        'SendEnv=GIT_* PAAS_* NODE_* LD_*',
        '-p',
        String(rig.port),
        target,
        'apps:list',
      ],
      { env },
    )
    expect(sent).toMatchObject({ code: 0, stdout: 'blog\n' })
    expect((await programs(end)).found.filter((program) => !isOurs(program))).toEqual([])
  }, 60_000)

  it('a git push runs git, its own parts and our hook, and nothing else', async () => {
    const { end } = await programs(0)
    const folder = join(rig.folder, 'copy')
    const env = rig.gitEnv(key)
    await run('git', ['init', '-q', '-b', 'main', folder], { env })
    await writeFile(join(folder, '.gitattributes'), '* filter=evil diff=evil export-subst\n')
    await writeFile(join(folder, '.gitmodules'), '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n')
    await writeFile(join(folder, 'a;id'), '$Format:%H$')
    await run('git', ['-C', folder, 'add', '.'], { env })
    await run('git', ['-C', folder, 'rm', '-q', '--cached', '.gitmodules'], { env })
    await run('git', ['-C', folder, 'commit', '-q', '-m', '$(id)'], { env })
    const pushed = await run('git', ['-C', folder, 'push', rig.url('blog'), 'main'], { env })
    expect(pushed.code, pushed.stderr).toBe(0)
    const { found } = await programs(end)
    const hook = join(hooksPath, 'pre-receive')
    const beside = found.filter((program) => !isOurs(program))
    expect(new Set(beside.map(({ path }) => path))).toEqual(
      new Set(['/usr/bin/git', '/usr/lib/git-core/git', hook, process.execPath]),
    )
    const started = new Set(
      beside.map(({ path, argv }) => [basename(path), argv[1]?.replace(/^(--git-dir)=.*/, '$1')].join(' ')),
    )
    expect(started).toEqual(
      new Set([
        ...[
          'init',
          'receive-pack',
          'unpack-objects',
          'rev-list',
          'cat-file',
          'archive',
          'gc',
          '--git-dir',
        ].map((word) => `git ${word}`),
        `node ${clientFile}`,
        'pre-receive ',
      ]),
    )
  }, 60_000)
})
