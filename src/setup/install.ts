import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { runOrThrow } from '../lib/run.ts'
import { type Instance } from '../model/instance.ts'
import { accountsOf, accountNames, directories, runDirectories } from './layout.ts'
import { createAccount, readAccounts } from './accounts.ts'
import { directoryInPlace, fileInPlace, putDirectory, putFile, type DesiredFile } from './files.ts'
import { launcher } from './launcher.ts'
import { exists } from './machine.ts'
import { record } from './manifest.ts'
import { redisConfig, redisUsers } from './redis-config.ts'
import { sshdConfig } from './sshd-config.ts'
import { type Step } from './step.ts'
import { unitFiles } from './systemd.ts'

/** Everything that the steps follow from, decided beforehand. */
export type Plan = {
  root: string
  instance: Instance
  paths: InstancePaths
  /** systemd supervises the processes: it runs, and this is the machine's own instance. */
  systemd: boolean
  /** No other sshd serves the port, so we run our own. */
  privateSshd: boolean
}

export function accountsStep({ instance, paths }: Plan): Step {
  const wanted = accountsOf(instance, paths)
  const missing = async () => {
    const present = await readAccounts()
    return wanted.filter((account) => !present.has(account.name))
  }
  return {
    title: `Users ${wanted.map((account) => account.name).join(', ')}`,
    pending: async () => (await missing()).map((account) => `create user ${account.name}`),
    perform: async () => {
      for (const account of await missing()) {
        await record(paths, 'user', account.name)
        await createAccount(account)
      }
    },
  }
}

export function directoriesStep({ instance, paths }: Plan): Step {
  const wanted = [...directories(instance, paths), ...runDirectories(instance, paths)]
  const missing = async () => {
    const accounts = await readAccounts()
    const inPlace = await Promise.all(wanted.map((directory) => directoryInPlace(directory, accounts)))
    return wanted.filter((_, i) => inPlace[i] !== true)
  }
  return {
    title: 'Folders',
    pending: async () => (await missing()).map(({ path }) => `make ${path}`),
    perform: async () => {
      const accounts = await readAccounts()
      for (const directory of await missing()) await putDirectory(directory, accounts)
    },
  }
}

/** Secrets are made once and never again: each is a file that is not there yet. */
export function secretsStep({ instance, paths, privateSshd }: Plan): Step {
  const { router } = accountNames(instance)
  const root = { owner: 'root', group: 'root', mode: 0o400 }
  const wanted: (Omit<DesiredFile, 'content'> & { generate: () => Promise<string | Buffer> })[] = [
    { path: paths.masterKey, ...root, generate: async () => randomBytes(32) },
    { path: paths.redisControllerPassword, ...root, generate: password },
    { path: paths.redisRouterPassword, ...root, mode: 0o440, group: router, generate: password },
    ...(privateSshd
      ? [{ path: join(paths.etc, 'ssh_host_ed25519_key'), ...root, generate: generateHostKey }]
      : []),
  ]
  const missing = async () => {
    const present = await Promise.all(wanted.map(({ path }) => exists(path)))
    return wanted.filter((_, i) => !present[i])
  }
  return {
    title: 'Secrets',
    pending: async () => (await missing()).map(({ path }) => `generate ${path}`),
    perform: async () => {
      const accounts = await readAccounts()
      for (const { generate, ...file } of await missing()) {
        if (file.path === paths.masterKey) await refuseToReplaceMasterKey(paths)
        await putFile({ ...file, content: await generate() }, accounts)
      }
    },
  }
}

/** Files whose content follows from the plan. Those that processes read are what a restart depends on. */
export async function configurationFiles(plan: Plan): Promise<DesiredFile[]> {
  const { root, instance, paths, privateSshd } = plan
  const { redis } = accountNames(instance)
  const public_ = { owner: 'root', group: 'root', mode: 0o644 }
  const [controller, router] = await Promise.all(
    [paths.redisControllerPassword, paths.redisRouterPassword].map((path) =>
      readFile(path, 'utf8').catch(() => ''),
    ),
  )
  return [
    { path: paths.settings, ...public_, content: `${JSON.stringify(instance, undefined, 2)}\n` },
    { path: paths.redisConfig, ...public_, content: redisConfig(paths) },
    {
      path: paths.redisUsers,
      ...{ owner: redis, group: redis, mode: 0o400 },
      content: redisUsers({ controller: controller!, router: router! }),
    },
    { path: paths.launcher, ...public_, mode: 0o755, content: launcher(root, paths) },
    ...(privateSshd
      ? [
          {
            path: paths.sshdConfig,
            ...public_,
            content: sshdConfig(instance, paths, { ownMachine: root === '/' }),
          },
        ]
      : []),
    ...(plan.systemd ? unitFiles(instance, paths, privateSshd).map((file) => ({ ...public_, ...file })) : []),
  ]
}

export function configurationStep(plan: Plan): Step {
  const missing = async () => {
    const accounts = await readAccounts()
    const wanted = await configurationFiles(plan)
    const inPlace = await Promise.all(wanted.map((file) => fileInPlace(file, accounts)))
    return wanted.filter((_, i) => !inPlace[i])
  }
  return {
    title: 'Settings',
    pending: async () => (await missing()).map(({ path }) => `write ${path}`),
    perform: async () => {
      const accounts = await readAccounts()
      for (const file of await missing()) {
        if (!file.path.startsWith(plan.paths.etc)) await record(plan.paths, 'file', file.path)
        await putFile(file, accounts)
      }
    },
  }
}

async function password(): Promise<string> {
  return randomBytes(32).toString('hex')
}

async function generateHostKey(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-hostkey-'))
  try {
    const file = join(folder, 'key')
    await runOrThrow('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'paas', '-f', file])
    return await readFile(file)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A new key beside old state would make every stored secret unreadable for good. */
async function refuseToReplaceMasterKey(paths: InstancePaths): Promise<void> {
  if (!(await exists(join(paths.redisData, 'appendonlydir')))) return
  throw new PaasError('STATE_CORRUPT', `${paths.masterKey} is missing, but there is state written with it.`, {
    hint: `Put the key back from where you keep it, or move ${paths.redisData} away to start empty.`,
  })
}
