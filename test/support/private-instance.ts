import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { freePort } from './free-port.ts'
import { mustRun, run } from './process.ts'
import { readTestInstance, type TestInstance } from './test-instance.ts'

const setup = join(import.meta.dirname, '../../bin/setup')
const prefix = 'paas-e2e-'

export type PrivateInstance = { instance: TestInstance; setUpSeconds: number; remove: () => Promise<void> }

/** A folder for an instance; those of processes that were killed are removed before. */
export async function makeRoot(): Promise<string> {
  await removeAbandoned()
  return mkdtemp(join(tmpdir(), prefix))
}

/** Sets an instance up as anybody would, with `bin/setup`; it goes with this process, however that ends. */
export async function setUpPrivateInstance(
  options: {
    root?: string
    /** Further arguments of bin/setup. */
    more?: string[]
    /** What command lines are put behind. */
    through?: () => string[]
  } = {},
): Promise<PrivateInstance> {
  const { root = await makeRoot(), more = [], through = () => [] } = options
  // Removing is a program of its own, so a process that ends at once can still wait for it.
  const removal = (): [string, ...string[]] => {
    const [program, ...args] = [...through(), setup, ...uninstallArguments(root)]
    return [program!, ...args]
  }
  const removeNow = (): void => {
    const [program, ...args] = removal()
    spawnSync(program, args, { stdio: 'inherit' })
  }
  process.once('exit', removeNow)
  // Other users of the machine, such as the one that people push to, go through this folder.
  await chmod(root, 0o755)
  await writeFile(join(root, 'owner'), String(process.pid))
  const [httpPort, sshPort] = [await freePort(), await freePort()]
  const user = basename(root).toLowerCase()
  const began = performance.now()
  const [program, ...before] = [...through(), setup]
  await mustRun(program, [
    ...before,
    ...['--root', root, '--user', user, '--domain', `${user}.localhost`],
    ...['--http-port', String(httpPort), '--ssh-port', String(sshPort)],
    ...more,
  ])
  const instance = await readTestInstance(root)
  return {
    instance,
    setUpSeconds: (performance.now() - began) / 1000,
    async remove() {
      process.off('exit', removeNow)
      const [remover, ...args] = removal()
      await mustRun(remover, args)
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

async function nothingMayBeLeft({ name, root, user, bridge, dockerSocket }: TestInstance): Promise<void> {
  const label = ['--filter', `label=paas.instance=${name}`]
  const docker = (...args: string[]) =>
    mustRun('docker', ['--host', `unix://${dockerSocket}`, ...args, ...label])
  const left = await Promise.all([
    docker('ps', '--all', '--quiet'),
    docker('network', 'ls', '--quiet'),
    docker('volume', 'ls', '--quiet'),
    mustRun('iptables-save').then((rules) => rules.split('\n').filter((rule) => rule.includes(bridge))),
    run('id', ['--user', user]).then(({ stdout }) => stdout),
    run('pgrep', ['--full', `${root}/`]).then(({ stdout }) => stdout),
  ])
  if (left.flat().join('') === '') return
  throw new Error(`the instance ${name} left something behind: ${JSON.stringify(left)}`)
}
