import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { shellQuote } from '../../../src/lib/shell-words.ts'
import { clientFile, run, type SshRig, startSshRig } from '../../support/ssh-rig.ts'

let rig: SshRig
let admin: string

beforeAll(async () => {
  rig = await startSshRig()
  admin = await rig.key('amy', 'admin')
})
afterAll(() => rig[Symbol.asyncDispose]())
afterEach(() => {
  rig.onCommand = () => Promise.resolve(undefined)
})

/** The client on the server itself, as root. */
const paas = (args: string[], input?: string) =>
  run(process.execPath, [clientFile, ...args], {
    env: { PATH: process.env['PATH'], PAAS_ROOT: rig.folder },
    ...(input !== undefined && { input }),
  })

function start(args: string[]) {
  const env = { PATH: process.env['PATH'], PAAS_ROOT: rig.folder }
  const child = spawn(process.execPath, [clientFile, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  return { child, exited: once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]> }
}

/** Answers any command line with its words as JSON. */
const echo: SshRig['onCommand'] = async (argv, { io }) => {
  await io.stdout(JSON.stringify(argv))
  return 0
}

describe('on the server', () => {
  it('gives commands and gets exit codes', async () => {
    expect(await paas(['apps:create', 'here'])).toMatchObject({ code: 0, stderr: '' })
    expect((await paas(['apps:list'])).stdout).toContain('here\n')
    expect((await paas(['apps:destroy', '-a', 'nothere', '--confirm', 'nothere'])).code).toBe(3)
    expect((await paas(['apps:lsit'])).code).toBe(2)
  })

  it('keeps every argument to the byte, up to a mebibyte', async () => {
    rig.onCommand = echo
    // One argument of execve is at most 128 KiB, so a mebibyte is many.
    const long = Array.from({ length: 10 }, (_, i) => String(i).repeat(110_000))
    const args = ['A=a\nb\r\n"\'`$(id)\\', 'ü€😀‮', '', ' ', '-', '--', '--app', '*', ...long]
    expect(JSON.parse((await paas(args)).stdout)).toEqual(args)
  })

  it('leaves stdin alone unless the command reads it', async () => {
    rig.onCommand = echo
    const script = `while read -r line; do ${process.execPath} ${clientFile} apps:list > /dev/null; echo "$line"; done`
    const loop = await run('sh', ['-c', script], {
      env: { PATH: process.env['PATH'], PAAS_ROOT: rig.folder },
      input: 'a\nb\nc\n',
    })
    expect(loop.stdout).toBe('a\nb\nc\n')
  })

  it('sends what a command reads, however much', async () => {
    const size = 20 * 1024 * 1024
    let got = 0
    rig.onCommand = async (_argv, { io }) => {
      for await (const chunk of io.stdin()) got += (chunk as Buffer).length
      return 0
    }
    expect((await paas(['x'], 'y'.repeat(size))).code).toBe(0)
    expect(got).toBe(size)
  })

  it('sends a file that the command line names, and no other', async () => {
    const file = join(rig.folder, 'given')
    await writeFile(file, 'from the file')
    rig.onCommand = async ([, asked], { io }) => {
      await io.stdout(await text(io.file(asked!)))
      return 0
    }
    expect((await paas(['x', file])).stdout).toBe('from the file')
    expect((await paas(['x', '-'], 'from stdin')).stdout).toBe('from stdin')
    expect(await paas(['x', `${file}-missing`])).toMatchObject({ code: 2, stdout: '' })
    rig.onCommand = async (_argv, { io }) => {
      await io.stdout(await text(io.file('/etc/hostname')))
      return 0
    }
    const curious = await paas(['x', file])
    expect(curious.code).toBe(2)
    expect(curious.stderr).toContain('is not read here')
    expect(curious.stdout).toBe('')
  })

  it('asks to cancel on the first Ctrl-C and ends on the second', async () => {
    let aborted = false
    rig.onCommand = async (_argv, { signal, io, closed }) => {
      await io.stdout('started\n')
      await once(signal, 'abort')
      aborted = true
      await closed
      return 0
    }
    const { child, exited } = start(['x'])
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    await vi.waitFor(() => expect(aborted).toBe(true))
    expect(child.exitCode).toBeNull()
    child.kill('SIGINT')
    expect(await exited).toEqual([130, null])
  })

  it('says Cancelled when the command ends on Ctrl-C', async () => {
    rig.onCommand = async (_argv, { signal, io }) => {
      await io.stdout('started\n')
      await once(signal, 'abort')
      signal.throwIfAborted()
      return 0
    }
    const { child, exited } = start(['x'])
    const stderr = text(child.stderr)
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await exited).toEqual([130, null])
    expect(await stderr).toBe(' !     Cancelled.\n')
  })

  it('ends quietly when its output is not read any more, and the command with it', async () => {
    const ended = Promise.withResolvers<undefined>()
    rig.onCommand = async (_argv, { signal, io }) => {
      while (!signal.aborted) await io.stdout('line\n'.repeat(1000))
      ended.resolve(undefined)
      return 0
    }
    const { child, exited } = start(['x'])
    const stderr = text(child.stderr)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect((await exited)[0]).toBe(141)
    expect(await stderr).toBe('')
    await ended.promise
  })

  it('waits with its output for a slow reader', async () => {
    let written = 0
    rig.onCommand = async (_argv, { io }) => {
      for (; written < 64; written++) await io.stdout(Buffer.alloc(1024 * 1024, 'z'))
      return 0
    }
    const { child, exited } = start(['x'])
    await sleep(500)
    expect(written).toBeLessThan(8)
    let got = 0
    child.stdout.on('data', (chunk: Buffer) => (got += chunk.length))
    expect(await exited).toEqual([0, null])
    expect(got).toBe(64 * 1024 * 1024)
  })

  it('says so in one message when the controller is not there', async () => {
    await rig.stopApi()
    await writeFile(rig.paths.settings, '{}')
    try {
      const { code, stderr, stdout } = await paas(['apps:list'])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toBe(
        ' !     The paas controller is not running; apps keep serving.\n' +
          '       Start it: systemctl start paas.target, or where there is no systemd: paas serve\n',
      )
      const json = await paas(['apps:list', '--json'])
      expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'CONTROLLER_UNREACHABLE' } })
      expect((await rig.ssh(admin, ['apps:list'])).stderr).toContain('is not running')
    } finally {
      await rig.restartApi()
    }
  })
})

describe('over ssh', () => {
  it('gives commands with their exit codes', async () => {
    expect((await rig.ssh(admin, ['apps:create', 'blog'])).code).toBe(0)
    expect((await rig.ssh(admin, ['apps:list'])).stdout).toContain('blog\n')
    expect((await rig.ssh(admin, ['apps:destroy', '-a', 'gone', '--confirm', 'gone'])).code).toBe(3)
  })

  it('greets who gives none', async () => {
    const { code, stdout, stderr } = await rig.ssh(admin, [])
    expect(code).toBe(0)
    expect(stderr).toContain('Hello amy. This key has the role admin.')
    expect(stdout).toContain('apps:create')
  })

  it('keeps quoted values to the byte', async () => {
    rig.onCommand = echo
    const args = ['set', `A=it's "b" \\ $HOME \`id\` ; & | *`, 'ü€😀', '']
    expect(JSON.parse((await rig.ssh(admin, args.map(shellQuote))).stdout)).toEqual(args)
  })

  it('takes stdin where it is read', async () => {
    const key = await readFile(`${await rig.keyFile('carol')}.pub`, 'utf8')
    const added = await rig.ssh(admin, ['keys:add', 'carol', '--role', 'read'], key)
    expect(added).toMatchObject({ code: 0, stderr: '' })
    expect((await rig.ssh(admin, ['keys:list'])).stdout).toMatch(/carol +read +all +SHA256:/)
    const again = await rig.ssh(admin, ['keys:add', 'carol2', '-'], key)
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('named carol')
  })

  it('does not read the server’s files for its caller', async () => {
    const { code, stderr } = await rig.ssh(admin, ['keys:add', 'dora', '/etc/passwd'])
    expect(code).toBe(2)
    expect(stderr).toContain('Send it on stdin instead')
  })

  it('gives a terminal to who asks for one', async () => {
    let seen: unknown
    rig.onCommand = async (_argv, { io }) => {
      seen = io.terminal
      await io.stdout('ok\n')
      return 5
    }
    const child = spawn(
      'ssh',
      ['-tt', ...rig.sshOptions(admin), '-p', String(rig.port), `${rig.user}@127.0.0.1`, 'x'],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const out = text(child.stdout)
    expect(await once(child, 'close')).toEqual([5, null])
    expect(await out).toBe('ok\r\n')
    expect(seen).toMatchObject({ tty: { stdin: true, stdout: true, stderr: true } })
  })

  it('hands keys over as they are pressed where the command wants them, Ctrl-C included', async () => {
    const pressed: string[] = []
    rig.onCommand = async (_argv, { io, signal }) => {
      io.rawMode(true)
      await io.stdout('ready\n')
      for await (const chunk of io.stdin()) {
        pressed.push(...Array.from(chunk as Buffer, (byte) => String.fromCharCode(byte)))
        if (pressed.includes('q')) break
      }
      io.rawMode(false)
      return signal.aborted ? 1 : 0
    }
    const target = ['-p', String(rig.port), `${rig.user}@127.0.0.1`, 'x']
    const child = spawn('ssh', ['-tt', ...rig.sshOptions(admin), ...target], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exited = once(child, 'close')
    await once(child.stdout, 'data')
    await vi.waitFor(() => {
      // Raw mode is on a moment after the server asked for it.
      child.stdin.write('a')
      expect(pressed).toContain('a')
    })
    child.stdin.write('\x03\x1a\x04')
    child.stdin.write('q')
    expect(await exited).toEqual([0, null])
    expect(pressed.filter((key) => key !== 'a')).toEqual(['\x03', '\x1a', '\x04', 'q'])
  })

  it('cancels the command of a caller that is gone', async () => {
    let aborted = false
    rig.onCommand = async (_argv, { signal, io }) => {
      await io.stdout('started\n')
      await once(signal, 'abort')
      aborted = true
      return 0
    }
    const child = spawn(
      'ssh',
      [...rig.sshOptions(admin), '-p', String(rig.port), `${rig.user}@127.0.0.1`, 'x'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await vi.waitFor(() => expect(aborted).toBe(true), { timeout: 5000 })
  })

  it('shuts a removed key out at once, and what it has open', async () => {
    const eve = await rig.key('eve', 'read')
    rig.onCommand = async (argv, { signal, io }) => {
      if (argv[0] !== 'wait') return undefined
      await io.stdout('started\n')
      await once(signal, 'abort')
      return 0
    }
    const child = spawn(
      'ssh',
      [...rig.sshOptions(eve), '-p', String(rig.port), `${rig.user}@127.0.0.1`, 'wait'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const stderr = text(child.stderr)
    const exited = once(child, 'close')
    await once(child.stdout, 'data')
    expect((await rig.ssh(admin, ['keys:remove', 'eve'])).code).toBe(0)
    expect(await exited).toEqual([4, null])
    expect(await stderr).toContain('was removed')
    const later = await rig.ssh(eve, ['apps:list'])
    expect(later).toMatchObject({ code: 255, stdout: '' })
    expect(later.stderr).toContain('Permission denied')
  })
})
