import { mkdir, readFile, rm } from 'node:fs/promises'
import { PaasError } from '../errors/paas-error.ts'
import { run } from '../lib/run.ts'
import { readAccounts } from './accounts.ts'
import { fileInPlace, putFile, type DesiredFile } from './files.ts'
import { type Plan } from './install.ts'
import { systemdRuns } from './machine.ts'
import { record } from './manifest.ts'
import { sshdDropIn } from './sshd-config.ts'
import { type Step } from './step.ts'

/** Where the machine's own sshd looks for additions. */
const dropInPath = '/etc/ssh/sshd_config.d/paas.conf'

/** Where the machine's own sshd serves the pushing user: what that user may do there. */
export function systemSshdStep({ instance, paths }: Plan): Step {
  const wanted: DesiredFile = {
    path: dropInPath,
    ...{ owner: 'root', group: 'root', mode: 0o644 },
    content: sshdDropIn(instance),
  }
  return {
    title: `SSH server of this machine on port ${instance.sshPort}`,
    pending: async () =>
      (await fileInPlace(wanted, await readAccounts())) ? [] : [`write ${wanted.path} and reload sshd`],
    perform: async () => {
      await putFile(wanted, await readAccounts())
      // sshd wants it even for a check; with ssh.socket it may be there only while somebody is connected.
      await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
      const check = await run('sshd', ['-t'])
      if (check.code !== 0) {
        await rm(wanted.path)
        throw new PaasError('INVALID_INPUT', `sshd refuses the addition for paas: ${check.stderr.trim()}`, {
          hint: 'Check the settings of the SSH server with `sshd -t`.',
        })
      }
      await record(paths, 'file', wanted.path)
      await reloadSystemSshd()
    },
  }
}

/** Lets the machine's own sshd read its settings again; sessions go on. */
export async function reloadSystemSshd(): Promise<void> {
  if (await systemdRuns()) {
    const byItself = (await run('systemctl', ['is-active', '--quiet', 'ssh.socket'])).code !== 0
    // An sshd that systemd listens for would lose its socket on a reload; to a new one it is given.
    await run('systemctl', [byItself ? 'try-reload-or-restart' : 'try-restart', 'ssh.service'])
    return
  }
  const pid = Number(await readFile('/run/sshd.pid', 'utf8').catch(() => ''))
  if (pid > 0 && (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim() === 'sshd') {
    process.kill(pid, 'SIGHUP')
  }
}
