import { request, type IncomingHttpHeaders } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { instancePaths } from '../../src/lib/paths.ts'
import { type Finished, mustRun, run } from './process.ts'

/** The instance that test/support/e2e-setup.ts has set up. */
export const instance = inject('instance')
export const paths = instancePaths(instance.root)

/** The `paas` of the server, as root. */
export function paas(args: readonly string[], options: { input?: string | Buffer } = {}): Promise<Finished> {
  return run(paths.launcher, args, options)
}

/** The result of a `paas` command that must succeed. */
export async function paasJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await mustRun(paths.launcher, [...args, '--json'])) as T
}

export const hostOf = (app: string): string => `${app}.${instance.domain}`

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string }

/** One request through the router, on a connection of its own. */
export function get(host: string, path = '/'): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = request(
    {
      host: '127.0.0.1',
      port: instance.httpPort,
      path,
      headers: { host },
      agent: false,
      timeout: 15_000,
    },
    (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
      response.once('error', reject)
    },
  )
  sent.once('timeout', () => sent.destroy(new Error(`no answer of ${host}${path} within 15 s`)))
  sent.once('error', reject)
  sent.end()
  return promise
}

/** What an app made of test/apps/probe says about itself. */
export type ProbeFacts = { version: string; dyno: string; release: string }

/** Asks a probe app which version of it answers. */
export async function probe(app: string): Promise<ProbeFacts> {
  const { status, body } = await get(hostOf(app), '/facts')
  if (status !== 200) throw new Error(`${app} answered ${status}: ${body}`)
  return JSON.parse(body) as ProbeFacts
}

/** The process of `paas serve` or of one of its children. */
export async function pidOf(name: 'serve' | 'redis' | 'controller' | 'router' | 'sshd'): Promise<number> {
  const file = name === 'serve' ? join(paths.run, 'serve.pid') : join(paths.run, 'serve', name)
  return Number.parseInt(await readFile(file, 'utf8'), 10)
}
