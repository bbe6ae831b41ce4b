import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { mustRun, run } from './process.ts'
import { readTestInstance, type TestInstance } from './test-instance.ts'

const setup = join(import.meta.dirname, '../../bin/setup')
const prefix = 'paas-e2e-'

export type PrivateInstance = { instance: TestInstance; setUpSeconds: number; remove: () => Promise<void> }

/** Sets an instance up as anybody would, with `bin/setup`; it goes with this process, however that ends. */
export async function setUpPrivateInstance(): Promise<PrivateInstance> {
  await removeAbandoned()
  const root = await mkdtemp(join(tmpdir(), prefix))
  // Removing is a program of its own, so a process that ends at once can still wait for it.
  const removeNow = (): void => void spawnSync(setup, uninstallArguments(root), { stdio: 'inherit' })
  process.once('exit', removeNow)
  // Other users of the machine, such as the one that people push to, go through this folder.
  await chmod(root, 0o755)
  await writeFile(join(root, 'owner'), String(process.pid))
  const [httpPort, sshPort] = [await freePort(), await freePort()]
  const user = basename(root).toLowerCase()
  const began = performance.now()
  await mustRun(setup, [
    ...['--root', root, '--user', user, '--domain', `${user}.localhost`],
    ...['--http-port', String(httpPort), '--ssh-port', String(sshPort)],
  ])
  const instance = await readTestInstance(root)
  return {
    instance,
    setUpSeconds: (performance.now() - began) / 1000,
    async remove() {
      process.off('exit', removeNow)
      await mustRun(setup, uninstallArguments(root))
      await rm(root, { recursive: true })
      await nothingMayBeLeft(instance)
    },
  }
}

function uninstallArguments(root: string): string[] {
  return ['--root', root, '--uninstall', '--yes']
}

/** Instances of processes that were killed. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue
    const root = join(tmpdir(), name)
    const owner = await readFile(join(root, 'owner'), 'utf8').catch(() => '')
    if (owner !== '' && existsSync(`/proc/${owner}`)) continue
    await mustRun(setup, uninstallArguments(root))
    await rm(root, { recursive: true })
  }
}

async function nothingMayBeLeft({ name, root, user, bridge }: TestInstance): Promise<void> {
  const label = `label=paas.instance=${name}`
  const left = await Promise.all([
    mustRun('docker', ['ps', '--all', '--quiet', '--filter', label]),
    mustRun('docker', ['network', 'ls', '--quiet', '--filter', label]),
    mustRun('docker', ['volume', 'ls', '--quiet', '--filter', label]),
    mustRun('iptables-save').then((rules) => rules.split('\n').filter((rule) => rule.includes(bridge))),
    run('id', ['--user', user]).then(({ stdout }) => stdout),
    run('pgrep', ['--full', `${root}/`]).then(({ stdout }) => stdout),
  ])
  if (left.flat().join('') === '') return
  throw new Error(`the instance ${name} left something behind: ${JSON.stringify(left)}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
