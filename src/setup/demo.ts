import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { run, runOrThrow } from '../lib/run.ts'
import { type Plan } from './install.ts'
import { exists } from './machine.ts'
import { type Report } from './step.ts'
import { streamed } from './streamed.ts'

const app = 'hello'
const keyName = 'demo'

/**
 * What a developer does, done once for show: creates an app, pushes it over SSH, asks it for a page. A second
 * time there is nothing to push.
 */
export async function demo(plan: Plan, source: string, report: Report): Promise<void> {
  const { instance } = plan
  const paas = plan.paths.launcher
  const keyFile = join(plan.paths.etc, 'demo_key')

  if ((await run(paas, ['apps:info', '-a', app, '--json'])).code !== 0) {
    await runOrThrow(paas, ['apps:create', app])
  }
  await ensureDemoKey(paas, keyFile)

  const folder = await mkdtemp(join(tmpdir(), 'paas-demo-'))
  try {
    report(`-----> Pushing test/apps/node-hello to ${instance.user}@localhost:${app}`)
    await push(plan, { folder, keyFile, source }, report)
  } finally {
    await rm(folder, { recursive: true })
  }

  const { url, host } = address(instance.domain, instance.http.port)
  const response = await firstResponse(instance.http.port, host)
  report(`-----> ${url}`)
  report(`       HTTP ${response.status}`)
  for (const line of response.body.trimEnd().split('\n')) report(`       ${line}`)
  if (response.status !== 200) {
    throw new PaasError('CHECK_FAILED', 'The demo app does not answer as it should.', {
      hint: `See \`paas logs -a ${app}\` and \`paas ps -a ${app}\`.`,
    })
  }
}

/** A key that may deploy this app and nothing else. */
async function ensureDemoKey(paas: string, keyFile: string): Promise<void> {
  if (!(await exists(keyFile))) {
    await runOrThrow('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', keyName, '-f', keyFile])
  }
  const keys = await runOrThrow(paas, ['keys:list', '--json'])
  if ((JSON.parse(keys) as { name: string }[]).some((key) => key.name === keyName)) return
  await runOrThrow(paas, ['keys:add', keyName, `${keyFile}.pub`, '--role', 'deploy', '--apps', app])
}

async function push(
  { instance, paths, privateSshd }: Plan,
  { folder, keyFile, source }: { folder: string; keyFile: string; source: string },
  report: Report,
): Promise<void> {
  const hostKey = privateSshd
    ? await runOrThrow('ssh-keygen', ['-y', '-f', join(paths.etc, 'ssh_host_ed25519_key')])
    : await readFile('/etc/ssh/ssh_host_ed25519_key.pub', 'utf8')
  await writeFile(
    join(folder, 'known_hosts'),
    `[localhost]:${instance.sshPort} ${hostKey}localhost ${hostKey}`,
  )
  await copyFile(keyFile, join(folder, 'key'))
  await writeFile(join(folder, 'ssh_config'), sshClientConfig(folder))
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_SSH_COMMAND: `ssh -F ${folder}/ssh_config`,
    GIT_TERMINAL_PROMPT: '0',
  }
  const clone = join(folder, 'app')
  const remote = `ssh://${instance.user}@localhost:${instance.sshPort}/${app}`
  await runOrThrow('git', ['clone', '--quiet', '--origin', 'paas', '--', remote, clone], { env })
  await runOrThrow('git', ['-C', clone, 'symbolic-ref', 'HEAD', 'refs/heads/main'], { env })
  await cp(join(source, 'test/apps/node-hello'), clone, { recursive: true })
  await runOrThrow('git', ['-C', clone, 'add', '--all'], { env })
  if ((await run('git', ['-C', clone, 'diff', '--cached', '--quiet'], { env })).code !== 0) {
    const author = ['-c', 'user.name=paas demo', '-c', 'user.email=demo@localhost']
    await runOrThrow('git', ['-C', clone, ...author, 'commit', '--quiet', '-m', 'Say hello'], { env })
  }
  const code = await streamed('git', ['-C', clone, 'push', 'paas', 'main'], report, { env })
  if (code !== 0) {
    throw new PaasError('PUSH_REFUSED', 'The demo could not be pushed; the lines above say why.', {
      hint: `Look at \`${paths.launcher} doctor\`.`,
    })
  }
}

function sshClientConfig(folder: string): string {
  return `IdentityFile ${folder}/key
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile ${folder}/known_hosts
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
AddressFamily inet
`
}

/** `http://hello.localhost` and what a client sends as Host. */
function address(domain: string, port: number) {
  const host = `${app}.${domain}${port === 80 ? '' : `:${port}`}`
  return { host, url: `http://${host}/` }
}

async function firstResponse(port: number, host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const get = request(
      { host: '127.0.0.1', port, path: '/', headers: { host }, timeout: 30_000 },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (text: string) => (body += text))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
        response.on('error', reject)
      },
    )
    get.once('timeout', () => get.destroy(new Error('no response within 30 seconds')))
    get.once('error', reject)
    get.end()
  })
}
