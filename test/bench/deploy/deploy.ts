/**
 * A push of a one-line change until it is live, beside the least that could stand in its place: `docker build`,
 * `docker run` and the first 200 of the same app. Taken in turns, so that whatever else the machine does meets
 * both. Prints a table; exits 1 where both limits are passed. Needs root and Docker. PAAS_E2E_ROOT names an
 * instance that is there already.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { instancePaths } from '../../../src/lib/paths.ts'
import { setUpPrivateInstance } from '../../support/private-instance.ts'
import { mustRun } from '../../support/process.ts'
import { readTestInstance, type TestInstance } from '../../support/test-instance.ts'

const pairs = Number(process.argv[2] ?? 10)
const limits = { ratio: 1.15, milliseconds: 400 }
const app = `bench-${process.pid}`
const existing = process.env['PAAS_E2E_ROOT']
const made = existing === undefined ? await setUpPrivateInstance() : undefined
const instance: TestInstance = made?.instance ?? (await readTestInstance(existing!))
const { launcher, etc } = instancePaths(instance.root)
const folder = await mkdtemp(join(tmpdir(), 'paas-bench-'))
const source = join(folder, 'app')
const env: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: folder,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@example.com',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@example.com',
  GIT_SSH_COMMAND: `ssh -F none -i ${folder}/key -o IdentitiesOnly=yes -o LogLevel=ERROR -o UserKnownHostsFile=${folder}/known`,
}
const git = (...args: string[]): Promise<string> => mustRun('git', args, { cwd: source, env })

try {
  await prepare()
  await change('warm')
  await pushed('warm')
  await bare('warm', 0)
  const ours: number[] = []
  const theirs: number[] = []
  for (let i = 0; i < pairs; i++) {
    const push = async (): Promise<void> => void ours.push(await pushed(`${i}`))
    const build = async (): Promise<void> => void theirs.push(await bare(`${i}`, i + 1))
    await change(`${i}`)
    for (const one of i % 2 === 0 ? [push, build] : [build, push]) await one()
  }
  report(ours, theirs)
} finally {
  await mustRun(launcher, ['apps:destroy', '-a', app, '--confirm', app]).catch(console.error)
  await mustRun(launcher, ['keys:remove', app]).catch(console.error)
  await made?.remove()
  await rm(folder, { recursive: true })
}

async function prepare(): Promise<void> {
  await cp(join(import.meta.dirname, '../../apps/probe'), source, { recursive: true })
  await writeFile(
    join(source, '.git-dockerfile'),
    'FROM paas/node:26\nWORKDIR /app\nCOPY . .\nENV PORT=5000\nCMD ["node", "server.js"]\n',
  )
  await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  const hostKey = await mustRun('ssh-keygen', ['-y', '-f', join(etc, 'ssh_host_ed25519_key')])
  await writeFile(join(folder, 'known'), `[127.0.0.1]:${instance.sshPort} ${hostKey}`)
  await mustRun(launcher, ['keys:add', app, join(folder, 'key.pub'), '--role', 'manage'])
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'paas', `ssh://${instance.user}@127.0.0.1:${instance.sshPort}/${app}`)
}

async function change(version: string): Promise<void> {
  await writeFile(join(source, 'version.js'), `export const version = '${version}'\n`)
  await git('add', '--all')
  await git('commit', '--quiet', '--message', version)
}

async function pushed(version: string): Promise<number> {
  const began = performance.now()
  await git('push', '--quiet', 'paas', 'main')
  await answers('127.0.0.1', instance.httpPort, `${app}.${instance.domain}`, version)
  return performance.now() - began
}

async function bare(version: string, number: number): Promise<number> {
  const tag = `${app}:${number}`
  const began = performance.now()
  await mustRun('docker', ['build', '--quiet', '--file', '.git-dockerfile', '--tag', tag, '.'], {
    cwd: source,
    env,
  })
  const id = (await mustRun('docker', ['run', '--detach', tag])).trim()
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const address = (await mustRun('docker', ['inspect', '--format', format, id])).trim()
  await answers(address, 5000, address, version)
  const took = performance.now() - began
  await mustRun('docker', ['rm', '--force', id])
  await mustRun('docker', ['rmi', '--force', tag])
  return took
}

/** Resolves at the first 200 of this version. */
async function answers(host: string, port: number, name: string, version: string): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const text = await ask(host, port, name)
    if (text.includes(`"version":"${version}"`)) return
    if (performance.now() > deadline) throw new Error(`no answer of ${version} by ${name}: ${text}`)
    await sleep(5)
  }
}

function ask(host: string, port: number, name: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = get({ host, port, path: '/facts', headers: { host: name }, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => resolve(response.statusCode === 200 ? text : ''))
    })
    sent.once('error', (error) => resolve(error.message))
  })
}

function report(ours: number[], theirs: number[]): void {
  const [mine, bareOnes] = [median(ours), median(theirs)]
  const difference = median(ours.map((ms, i) => ms - theirs[i]!))
  const ratio = mine / bareOnes
  console.log('| | median ms | fastest | slowest |\n| --- | --: | --: | --: |')
  for (const [what, all] of [
    ['git push to live', ours],
    ['docker build, run, first 200', theirs],
  ] as const) {
    console.log(
      `| ${what} | ${[median(all), Math.min(...all), Math.max(...all)].map(Math.round).join(' | ')} |`,
    )
  }
  console.log(`\nratio ${ratio.toFixed(2)}, difference ${Math.round(difference)} ms, ${ours.length} pairs`)
  if (made !== undefined) console.log(`bin/setup: ${made.setUpSeconds.toFixed(1)} s`)
  if (ratio > limits.ratio && difference > limits.milliseconds) process.exitCode = 1
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
