import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paths } from '../../support/instance.ts'
import { mustRun, run } from '../../support/process.ts'

/**
 * The units on a real systemd: a Debian with systemd as PID 1, in a container. It has no Docker of its own, so the
 * controller serves commands and waits for it, as it does when Docker is away.
 */
const image = `paas-test/systemd:${process.pid}`
const machine = `paas-test-systemd-${process.pid}`
const services = ['paas-redis', 'paas-controller', 'paas-router', 'paas-sshd']

const node = ['/opt/paas/node/bin/node', '--input-type=module', '--eval']
const prepare = `
const from = (name) => import('/opt/paas/app/dist/' + name)
const { instancePaths } = await from('lib/paths.js')
const { accountsStep, directoriesStep, secretsStep, configurationStep, configurationFiles } = await from('setup/install.js')
const { systemSshdStep } = await from('setup/system-sshd.js')
const { performSteps } = await from('setup/step.js')
const { bringUp, generationOf } = await from('setup/services.js')
const { decideSettings } = await from('setup/settings.js')
const { parseSetupOptions } = await from('setup/options.js')
const paths = instancePaths('/')
const instance = decideSettings(parseSetupOptions(['--ssh-port', '2222']), undefined, { ipv6: false, usedSubnets: [] })
const plan = { root: '/', instance, paths, systemd: true, privateSshd: true }
`
/** Performs the steps of set-up that this machine can do, up to the running units. */
const setUp = `${prepare}
await performSteps([accountsStep, directoriesStep, secretsStep, configurationStep, systemSshdStep].map((step) => step(plan)), console.log)
await bringUp(plan, generationOf('test', await configurationFiles(plan)))
`
const sshdStep = `${prepare}
await performSteps([systemSshdStep(plan)], console.log)
`

const inside = (...command: string[]) => mustRun('docker', ['exec', machine, ...command])
const state = async (unit: string) =>
  (await run('docker', ['exec', machine, 'systemctl', 'is-active', unit])).stdout.trim()
const mainPid = async (unit: string) =>
  Number(await inside('systemctl', 'show', '--property=MainPID', '--value', unit))

async function until(what: string, condition: () => Promise<boolean>, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  while (!(await condition())) {
    if (Date.now() > deadline) {
      const log = await run('docker', ['exec', machine, 'journalctl', '--no-pager', '-n', '60'])
      throw new Error(`not ${what} within ${seconds} s:\n${log.output}`)
    }
    await sleep(100)
  }
}

const allActive = async () => (await Promise.all(services.map(state))).every((found) => found === 'active')
/** What works only when Redis, controller and router do. */
const answers = async () => {
  const commands = await run('docker', ['exec', machine, 'paas', 'apps:list'])
  const router = await run('docker', [
    'exec',
    machine,
    'curl',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    'http://127.0.0.1/',
  ])
  return commands.code === 0 && router.stdout === '404'
}

beforeAll(async () => {
  await buildMachineImage()
  await mustRun('docker', [
    ...['run', '--detach', '--name', machine, '--hostname', 'machine', '--network', 'none'],
    ...['--stop-signal', 'SIGRTMIN+3'],
    // What systemd needs to be PID 1: its own cgroup tree, and mounts.
    ...['--cap-add', 'SYS_ADMIN', '--cap-add', 'NET_ADMIN', '--security-opt', 'seccomp=unconfined'],
    ...[
      '--security-opt',
      'apparmor=unconfined',
      '--cgroupns',
      'private',
      '--tmpfs',
      '/run',
      '--tmpfs',
      '/run/lock',
    ],
    ...[image, '/lib/systemd/systemd'],
  ])
  await until('booted', async () => ['running', 'degraded'].includes(await bootState()), 60)
  await mustRun('docker', ['exec', machine, 'mkdir', '-p', '/opt/paas'])
  for (const part of ['node', 'versions', 'app'])
    await mustRun('docker', ['cp', join(paths.opt, part), `${machine}:/opt/paas/${part}`])
  await inside(...node, setUp)
}, 300_000)

afterAll(async () => {
  await run('docker', ['rm', '--force', '--volumes', machine])
  await run('docker', ['rmi', image])
})

async function bootState(): Promise<string> {
  return (await run('docker', ['exec', machine, 'systemctl', 'is-system-running'])).stdout.trim()
}

/** Debian with what bin/setup would have installed on a machine that has Docker elsewhere. */
async function buildMachineImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-systemd-'))
  try {
    const tar = join(folder, 'root.tar')
    const packages = 'systemd,systemd-sysv,dbus,redis-server,openssh-server,iptables,curl,git,logrotate'
    await mustRun('mmdebstrap', ['--variant=apt', `--include=${packages}`, 'trixie', tar])
    const build = spawn('docker', ['import', tar, image], { stdio: ['ignore', 'ignore', 'inherit'] })
    expect(await once(build, 'exit')).toEqual([0, null])
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('systemd-analyze finds nothing wrong with the units', async () => {
  const units = (await inside('sh', '-c', 'ls /etc/systemd/system/paas*')).trim().split('\n')
  expect(units).toHaveLength(services.length + 1)
  const verified = await run('docker', ['exec', machine, 'systemd-analyze', 'verify', '--man=no', ...units])
  expect(verified).toMatchObject({ code: 0, output: '' })
  // A unit with a mistake, so that the check above is known to see one.
  await inside('sh', '-c', 'printf "[Service]\\nExecStart=/bin/true\\nRestrat=always\\n" > /root/bad.service')
  const mistaken = await run('docker', [
    'exec',
    machine,
    'systemd-analyze',
    'verify',
    '--man=no',
    '/root/bad.service',
  ])
  expect(mistaken.output).toContain('Restrat')
})

test('everything is enabled, active and answers', async () => {
  expect(await inside('systemctl', 'is-enabled', 'paas.target')).toBe('enabled\n')
  await until('active', allActive, 20)
  await until('answering', answers, 20)
})

test('router and Redis are not root, and the router may only listen below port 1024', async () => {
  const user = async (unit: string) =>
    (await inside('stat', '--format=%U', `/proc/${await mainPid(unit)}`)).trim()
  expect(await user('paas-redis')).toBe('redis')
  expect(await user('paas-router')).toBe('paas-router')
  const status = await inside('cat', `/proc/${await mainPid('paas-router')}/status`)
  expect(status).toMatch(/^CapEff:\s0{13}400$/m)
  expect(status).toMatch(/^CapBnd:\s0{13}400$/m)
  expect(status).toMatch(/^NoNewPrivs:\s1$/m)
})

test('the machine’s own sshd keeps the pushing user to keys, and others as they were', async () => {
  const rules = async (user: string) => inside('sshd', '-T', '-C', `user=${user},host=here,addr=192.0.2.1`)
  expect(await rules('paas')).toMatch(/^passwordauthentication no$/m)
  expect(await rules('paas')).toMatch(/^disableforwarding yes$/m)
  expect(await rules('root')).toMatch(/^passwordauthentication yes$/m)
  expect(await rules('root')).toMatch(/^disableforwarding no$/m)
  expect(await state('ssh')).toBe('active')
})

test('where systemd listens for sshd, it gets the addition too', async () => {
  const listening = () => inside('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/22 && head --bytes=8 <&3')
  await inside('systemctl', 'disable', '--now', 'ssh.service')
  await inside('systemctl', 'enable', '--now', 'ssh.socket')
  await inside('rm', '/etc/ssh/sshd_config.d/paas.conf')
  // Before anybody has connected, and with an sshd that the first connection has started.
  await inside(...node, sshdStep)
  expect(await listening()).toBe('SSH-2.0-')
  await inside('rm', '/etc/ssh/sshd_config.d/paas.conf')
  await inside(...node, sshdStep)
  expect(await state('ssh')).toBe('active')
  expect(await inside('cat', '/etc/ssh/sshd_config.d/paas.conf')).toContain('Match User paas')
  expect(await listening()).toBe('SSH-2.0-')
})

test('the access log is rotated', async () => {
  await inside('sh', '-c', 'head -c 70000000 /dev/zero >> /var/log/paas/router/access.log')
  await inside('logrotate', '/etc/logrotate.d/paas')
  const before = '/var/log/paas/router/access.log.1'
  expect(Number(await inside('stat', '--format=%s', before))).toBeGreaterThan(70_000_000)
  await until(
    'in a new file',
    async () => (await inside('ls', '/var/log/paas/router')).includes('access.log\n'),
    5,
  )
  await inside('curl', '--silent', 'http://127.0.0.1/rotated')
  await until(
    'in the new file',
    async () => (await inside('cat', '/var/log/paas/router/access.log')).includes('/rotated'),
    5,
  )
  // Nobody has it open any more.
  await inside('logrotate', '--force', '/etc/logrotate.d/paas')
  expect(await inside('ls', '/var/log/paas/router')).toContain('access.log.2.gz\n')
})

test('`paas serve` leaves the processes to systemd', async () => {
  const refused = await run('docker', ['exec', machine, 'paas', 'serve'])
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.output).toContain('systemd runs the processes')
})

test.each(services)('%s is back after kill -9', async (unit) => {
  const before = await mainPid(unit)
  await inside('kill', '-9', String(before))
  await until(
    `${unit} restarted`,
    async () => (await state(unit)) === 'active' && (await mainPid(unit)) !== before,
    5,
  )
  await until('answering', answers, 20)
})

test('a restart of the machine brings all of it back, with its state', async () => {
  await inside('paas', 'apps:create', 'kept')
  await mustRun('docker', ['restart', '--time', '30', machine])
  await until(
    'active',
    async () => ['running', 'degraded'].includes(await bootState()) && (await allActive()),
    60,
  )
  await until('answering', answers, 20)
  expect(await inside('paas', 'apps:list', '--json')).toContain('"kept"')
})

test('stopping the target stops everything', async () => {
  await inside('systemctl', 'stop', 'paas.target')
  await until(
    'stopped',
    async () => (await Promise.all(services.map(state))).every((found) => found === 'inactive'),
    60,
  )
})
