import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { clientFile, mustRun, run, type SshRig, startSshRig } from '../../support/ssh-rig.ts'

let rig: SshRig
let admin: string
let clone: string

beforeAll(async () => {
  rig = await startSshRig()
  admin = await rig.key('amy', 'admin')
  clone = await mkdtemp(join(rig.folder, 'clone-'))
  await mustRun('git', ['init', '-q', clone], { env: rig.gitEnv(admin) })
  await mustRun('git', ['-C', clone, 'remote', 'add', 'paas', rig.url('blog')], { env: rig.gitEnv(admin) })
})
afterAll(() => rig[Symbol.asyncDispose]())
afterEach(() => {
  rig.onCommand = () => Promise.resolve(undefined)
})

/** The client on a laptop: PAAS_ROOT is a folder in which no server was ever set up. */
const paas = (args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {}) =>
  run(process.execPath, [clientFile, ...args], {
    cwd: options.cwd ?? clone,
    env: { ...rig.gitEnv(admin), ...options.env },
    ...(options.input !== undefined && { input: options.input }),
  })

const echo: SshRig['onCommand'] = async (argv, { io }) => {
  await io.stdout(JSON.stringify(argv))
  return 0
}

describe('paas in a clone', () => {
  it('gives commands to the server of the remote, for the app of the remote', async () => {
    expect(await paas(['apps:create', 'blog'])).toMatchObject({ code: 0, stderr: '' })
    expect((await paas(['apps:list'])).stdout).toBe('blog\n')
    rig.onCommand = echo
    expect(JSON.parse((await paas(['ps'])).stdout)).toEqual(['ps', '--app', 'blog'])
    expect(JSON.parse((await paas(['ps', '-a', 'shop'])).stdout)).toEqual(['ps', '-a', 'shop'])
  })

  it('keeps every argument to the byte, newlines and a mebibyte included', async () => {
    rig.onCommand = echo
    const args = [
      'config:set',
      '-a',
      'x',
      `A=a\nb "c" 'd' $HOME \`id\` \\ ; & |`,
      'ü€😀',
      '',
      ...Array.from({ length: 10 }, () => 'm'.repeat(110_000)),
    ]
    expect(JSON.parse((await paas(args)).stdout)).toEqual(args)
  })

  it('passes exit codes, stderr and stdin on', async () => {
    rig.onCommand = async (_argv, { io }) => {
      await io.stderr('progress\n')
      await io.stdout((await text(io.stdin())).toUpperCase())
      return 5
    }
    expect(await paas(['x'], { input: 'abc' })).toEqual({ code: 5, stdout: 'ABC', stderr: 'progress\n' })
  })

  it('leaves stdin alone unless the command reads it', async () => {
    rig.onCommand = echo
    const script = `while read -r line; do ${process.execPath} ${clientFile} ps > /dev/null; echo "$line"; done`
    const loop = await run('sh', ['-c', script], { cwd: clone, env: rig.gitEnv(admin), input: 'a\nb\n' })
    expect(loop.stdout).toBe('a\nb\n')
  })

  it('sends a file of the laptop', async () => {
    const pub = `${await rig.keyFile('bob')}.pub`
    expect((await paas(['keys:add', 'bob', pub, '--role', 'read'])).stdout).toContain('bob may read')
    expect((await paas(['keys:add', 'bob2', `${pub}-none`])).stderr).toContain('there is no such file')
  })

  it('takes another remote by name', async () => {
    await mustRun('git', ['-C', clone, 'remote', 'add', 'stage', rig.url('stage-app.git')], {
      env: rig.gitEnv(admin),
    })
    rig.onCommand = echo
    expect(JSON.parse((await paas(['ps', '--remote', 'stage'])).stdout)).toEqual(['ps', '--app', 'stage-app'])
    const unknown = await paas(['ps', '--remote', 'nowhere'])
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('git remote "nowhere"')
  })

  it('cancels on a terminal’s Ctrl-C, which reaches its ssh too', async () => {
    let aborted = false
    rig.onCommand = async (_argv, { io, signal }) => {
      await io.stdout('started\n')
      await once(signal, 'abort')
      aborted = true
      return 0
    }
    const child = spawn(process.execPath, [clientFile, 'x'], {
      cwd: clone,
      env: rig.gitEnv(admin),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const stderr = text(child.stderr)
    await once(child.stdout, 'data')
    process.kill(-child.pid!, 'SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(await stderr).not.toContain('ended')
    await vi.waitFor(() => expect(aborted).toBe(true), { timeout: 5000 })
  })

  it('says so where the other side is no paas', async () => {
    const fake = join(rig.folder, 'fake-ssh')
    await writeFile(fake, '#!/bin/sh\necho "Welcome to this machine, stranger"; exit 0\n', { mode: 0o755 })
    const { code, stderr } = await paas(['x'], { env: { GIT_SSH_COMMAND: fake } })
    expect(code).toBe(1)
    expect(stderr).toContain(' !     What answers is not a paas of this version.')
  })

  it('cancels on Ctrl-C', async () => {
    let aborted = false
    rig.onCommand = async (_argv, { io, signal }) => {
      await io.stdout('started\n')
      await once(signal, 'abort')
      aborted = true
      signal.throwIfAborted()
      return 0
    }
    const child = spawn(process.execPath, [clientFile, 'x'], {
      cwd: clone,
      env: rig.gitEnv(admin),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const stderr = text(child.stderr)
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(await stderr).toBe(' !     Cancelled.\n')
    await vi.waitFor(() => expect(aborted).toBe(true))
  })
})

describe('paas outside of a clone', () => {
  it('says what is missing', async () => {
    const { code, stderr, stdout } = await paas(['apps:list'], { cwd: '/' })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(
      ' !     No server: there is no git remote "paas" here that is reached by SSH.\n' +
        '       Add one: git remote add paas paas@HOST:APP\n' +
        '       or name the server: PAAS_HOST=HOST paas …\n',
    )
  })

  it('goes to PAAS_HOST', async () => {
    rig.onCommand = echo
    const env = { PAAS_HOST: `${rig.user}@127.0.0.1`, PAAS_PORT: String(rig.port) }
    expect(JSON.parse((await paas(['ps'], { cwd: '/', env })).stdout)).toEqual(['ps'])
    expect(JSON.parse((await paas(['ps'], { env })).stdout)).toEqual(['ps', '--app', 'blog'])
    expect((await paas(['ps'], { cwd: '/', env: { PAAS_HOST: '-oProxyCommand=id' } })).code).toBe(2)
  })

  it('says that ssh could not, and how to see why', async () => {
    const env = { PAAS_HOST: `${rig.user}@127.0.0.1`, PAAS_PORT: '1' }
    const { code, stderr } = await paas(['ps'], { cwd: '/', env })
    expect(code).toBe(1)
    expect(stderr).toContain('Connection refused')
    expect(stderr).toContain(` !     The connection to 127.0.0.1 ended (ssh: 255).`)
  })
})

describe('what a laptop says to the server', () => {
  /** Speaks to the forced command directly, as a hostile client would. */
  async function wire(bytes: Buffer): Promise<{ code: number | null; out: string }> {
    const child = spawn(
      'ssh',
      [...rig.sshOptions(admin), '-p', String(rig.port), `${rig.user}@127.0.0.1`, 'paas-wire-1'],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const out = text(child.stdout)
    child.stdin.on('error', () => undefined)
    // The end of stdin would be a caller that goes away.
    child.stdin.write(bytes)
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out: await out }
  }
  const request = (value: unknown): Buffer => {
    const body = Buffer.from(JSON.stringify(value))
    const head = Buffer.alloc(5)
    head[0] = 1
    head.writeUInt32BE(body.length, 1)
    return Buffer.concat([head, body])
  }
  const terminal = {
    tty: { stdin: false, stdout: false, stderr: false },
    columns: 80,
    rows: 24,
    color: false,
  }

  it('cannot choose its key, ask for a push or send two requests', async () => {
    const asked: string[] = []
    rig.onCommand = async (argv, { identity }) => {
      asked.push(identity.via === 'ssh' ? identity.key.name : identity.via)
      return argv[0] === 'x' ? 0 : undefined
    }
    rig.onPush = () => Promise.reject(new Error('a push was let through'))
    const bob = (await rig.platform.store.sshKeys.list()).find(({ name }) => name === 'bob')
    const command = { kind: 'command', argv: ['x'], terminal, keyId: bob?.id ?? 'k000000000000000' }
    await wire(request(command))
    await wire(
      request({
        kind: 'push',
        appId: 'a000000000000000',
        ref: 'x',
        oldCommit: '0'.repeat(40),
        commit: '0'.repeat(40),
      }),
    )
    await wire(request({ kind: 'git', service: 'git-upload-pack', app: 'blog' }))
    await wire(Buffer.concat([request(command), request(command)]))
    await wire(Buffer.from('GET / HTTP/1.0\r\n\r\n'))
    expect(new Set(asked)).toEqual(new Set(['amy']))
    expect(await readFile(join(rig.folder, 'controller.log'), 'utf8')).not.toContain('let through')
  })
})

describe('a folder that looks like a server', () => {
  it('is one: the local socket is asked, not the remote', async () => {
    const root = join(rig.folder, 'elsewhere')
    await mkdir(join(root, 'etc/paas'), { recursive: true })
    await writeFile(join(root, 'etc/paas/config.json'), '{}')
    expect((await paas(['apps:list'], { env: { PAAS_ROOT: root } })).stderr).toContain(
      'controller is not running',
    )
  })
})
