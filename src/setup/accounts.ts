import { readFile } from 'node:fs/promises'
import { run, runOrThrow } from '../lib/run.ts'

/** An OS user that set-up creates. */
export type Account = {
  name: string
  home: string
  shell: string
  comment: string
}

export type Ids = { uid: number; gid: number }

/** uid and primary gid by user name, for those that exist. */
export async function readAccounts(): Promise<Map<string, Ids>> {
  const passwd = await readFile('/etc/passwd', 'utf8')
  return new Map(
    passwd.split('\n').flatMap((line) => {
      const [name, , uid, gid] = line.split(':')
      return name && uid && gid ? [[name, { uid: Number(uid), gid: Number(gid) }] as const] : []
    }),
  )
}

/** Creates the user with a group of its own name and no password that could ever match. */
export async function createAccount(account: Account): Promise<void> {
  await runOrThrow('useradd', [
    ...['--system', '--user-group', '--no-create-home'],
    ...['--home-dir', account.home, '--shell', account.shell, '--comment', account.comment],
    // `*` matches no password, and sshd does not take the account for locked as it does with `!`.
    ...['--password', '*'],
    account.name,
  ])
}

export async function removeAccount(name: string): Promise<void> {
  await run('userdel', [name])
  await run('groupdel', [name])
}
