import { spawn } from 'node:child_process'
import { type Engine } from '../../src/docker/engine.ts'
import { mustRun } from './process.ts'

const programs = [
  '/bin/sh',
  '/bin/cat',
  '/bin/sleep',
  '/bin/echo',
  '/usr/bin/env',
  '/usr/bin/id',
  '/usr/bin/seq',
  '/usr/bin/head',
]

/**
 * An image with a shell and a few programs of this machine and the libraries that they need, for containers that
 * need no more: it takes a second to make, and no registry. Labelled, so that it can be found and removed.
 */
export async function tinyImage(engine: Engine, instance: string): Promise<string> {
  const libraries = (await mustRun('ldd', programs)).matchAll(/(?:=> |^\s)(\/\S+)/gm)
  const files = [...programs, ...new Set([...libraries].map(([, path]) => path!))]
  // Links are followed: a library's name is often one.
  const tar = spawn('tar', ['--create', '--dereference', '--absolute-names', '--', ...files], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const changes = [`LABEL paas.instance=${instance}`, 'CMD ["/bin/sh", "-c", "echo ready; sleep 1000"]']
  return engine.images.import(tar.stdout, `paas-test/tiny:${instance}`, changes)
}
