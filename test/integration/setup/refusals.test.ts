import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../../src/lib/run.ts'

/**
 * What set-up refuses, it refuses before anything is changed. The machine is made unsuitable by mounts that only
 * the process under test sees.
 */
const setup = join(import.meta.dirname, '../../../bin/setup')
let folder: string
let root: string
let server: Server
let busyPort: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-setup-'))
  root = join(folder, 'root')
  server = createServer().listen(0)
  busyPort = (server.address() as AddressInfo).port
})

afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

/** Runs bin/setup with files of the machine replaced; with --dry-run, so that what it wrongly accepts harms nobody. */
async function setUp(args: string[], machine: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}) {
  const mounts: string[] = []
  for (const [path, content] of Object.entries(machine)) {
    const fake = join(folder, `fake-${mounts.length}`)
    await writeFile(fake, content)
    mounts.push(fake, path)
  }
  const script = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 99; shift 2; done; shift; exec "$@"'
  return run('unshare', ['--mount', 'sh', '-c', script, 'sh', ...mounts, '--', setup, '--dry-run', ...args], {
    env: { ...process.env, ...env },
  })
}

const privately = (...args: string[]) => [
  '--root',
  root,
  '--user',
  'paas-refused',
  '--http-port',
  '18999',
  ...args,
]

async function expectRefusal(
  finished: { code: number; stdout: string; stderr: string },
  problem: RegExp,
  fix: RegExp,
) {
  const [first, second, ...more] = finished.stderr.trimEnd().split('\n')
  expect(first).toMatch(problem)
  expect(second).toMatch(fix)
  expect(more).toEqual([])
  expect(finished.stdout).toBe('')
  expect(finished.code).toBe(1)
  expect(await readdir(folder)).not.toContain('root')
}

describe('options', () => {
  test.each([
    [['--nonsense'], /^paas: there is no option "--nonsense"\.$/, /--help/],
    [['--domain'], /^paas: --domain needs a value/, /--help/],
    [['--http-port='], /^paas: --http-port needs a value/, /--help/],
    [['--root', '/srv/a b', '--user', 'x'], /^paas: --root \/srv\/a b must be a path/, /For example/],
    [['--root', '/srv/never'], /^paas: a private instance needs a user/, /--user NAME/],
    [
      ['--root', '/srv/never', '--user', 'x', '--http-port', '80x'],
      /^paas: --http-port must be a port/,
      /--http-port 8080/,
    ],
  ])('%j', async (args, problem, fix) => {
    await expectRefusal(await setUp(args), problem, fix)
  })

  test('--uninstall does not remove data unasked', async () => {
    await mkdir(join(folder, 'there/opt/paas'), { recursive: true })
    const finished = await setUp(['--uninstall', '--root', join(folder, 'there')])
    await expectRefusal(finished, /There is no terminal to ask on/, /--yes/)
    expect(await readdir(join(folder, 'there/opt'))).toEqual(['paas'])
  })
})

describe('machine', () => {
  test('without root', async () => {
    // A place that everybody may read, as the clone itself may not be.
    const clone = join(folder, 'clone')
    await cp(join(setup, '..'), join(clone, 'bin'), { recursive: true })
    await run('chmod', ['-R', 'a+rX', folder])
    const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
    const finished = await run('setpriv', [...asNobody, join(clone, 'bin/setup'), ...privately()])
    await expectRefusal(finished, /^paas: set-up needs root/, /sudo bin\/setup/)
  })

  test.each([
    ['ID=fedora\nVERSION_ID=42\n', /^paas: this system \(fedora\) is not supported/, /Debian 12/],
    ['ID=debian\nVERSION_ID="11"\n', /^paas: Debian 11 is too old/, /Debian 12/],
    ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n', /^paas: Ubuntu 22\.04 is too old/, /24\.04/],
  ])('%j', async (release, problem, fix) => {
    await expectRefusal(await setUp(privately(), { '/etc/os-release': release }), problem, fix)
  })

  test('with too little memory', async () => {
    const finished = await setUp(privately(), { '/proc/meminfo': 'MemTotal: 500000 kB\nSwapTotal: 0 kB\n' })
    await expectRefusal(finished, /^paas: there are 488 MB of memory and swap/, /swapon/)
  })

  test('with too little disk', async () => {
    const disk = join(folder, 'disk')
    await mkdir(disk)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=50m', 'tmpfs', disk])
    try {
      const finished = await setUp(['--root', disk, '--user', 'paas-refused', '--http-port', '18999'])
      await expectRefusal(
        finished,
        /^paas: there are \d+ MB of disk left for .*disk\/var\/lib\/paas/,
        /apt-get clean/,
      )
      expect(await readdir(disk)).toEqual([])
    } finally {
      await run('umount', [disk])
    }
  })

  test('with a port in use', async () => {
    const web = await setUp(['--root', root, '--user', 'paas-refused', '--http-port', String(busyPort)])
    await expectRefusal(
      web,
      new RegExp(`^paas: port ${busyPort} is in use by `),
      /sudo bin\/setup --http-port 8080/,
    )
    const ssh = await setUp(privately('--ssh-port', String(busyPort)))
    await expectRefusal(
      ssh,
      new RegExp(`^paas: port ${busyPort} is in use by `),
      /sudo bin\/setup --ssh-port 2222/,
    )
  })

  test('that cannot reach the npm registry', async () => {
    const env = { NPM_CONFIG_REGISTRY: 'http://127.0.0.1:1/', NPM_CONFIG_FETCH_RETRIES: '0' }
    const finished = await setUp(privately('--ssh-port', '18998'), {}, env)
    await expectRefusal(
      finished,
      /^paas: the npm registry cannot be reached \(http:\/\/127\.0\.0\.1:1\/\)/,
      /npm ping/,
    )
  })

  test('that cannot reach its package archive', async () => {
    const apt = join(folder, 'apt.conf')
    const proxy = '"http://127.0.0.1:1/";'
    await writeFile(apt, `Acquire::http::Proxy ${proxy}\nAcquire::https::Proxy ${proxy}\n`)
    const { stdout } = await run('which', ['mmdebstrap'])
    // An empty file in its place cannot be run, so the package is missing.
    const finished = await setUp(
      privately('--ssh-port', '18998'),
      { [stdout.trim()]: '' },
      { APT_CONFIG: apt },
    )
    await expectRefusal(
      finished,
      /^paas: the package archive of this system cannot be reached/,
      /apt-get update/,
    )
  })
})

test('--dry-run says what would be done and changes nothing', async () => {
  const finished = await setUp(privately('--ssh-port', '18998', '--demo'))
  expect(finished).toMatchObject({ code: 0, stderr: '' })
  expect(finished.stdout).toMatch(
    /-----> Node [\d.]+ and npm [\d.]+\n {7}would install them into .*\/root\/opt\/paas\n/,
  )
  expect(finished.stdout).toContain('and push the demo app')
  expect(await readdir(folder)).not.toContain('root')
})

test('the library that our Node links to is among the packages, where it is missing', async () => {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const library = `/usr/lib/${machine}-linux-gnu/libatomic.so.1`
  const script = 'mount --bind /dev/null "$1" && . "$2" && needed_packages /nowhere'
  const toolchain = join(import.meta.dirname, '../../../bin/toolchain')
  const args = ['--mount', 'bash', '-c', script, 'bash', library, toolchain]
  const packages = (await run('unshare', args)).stdout.split('\n')
  expect(packages).toContain('libatomic1')
})
