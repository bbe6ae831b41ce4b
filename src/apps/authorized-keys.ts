import { shellQuote } from '../lib/shell-words.ts'
import { writeFileAtomically } from '../lib/write-file.ts'
import { type Key } from '../model/key.ts'
import { type Platform } from './platform.ts'

/**
 * What sshd reads: one line per key that allows nothing but our program with the key's id (`restrict`), and a
 * pseudo-terminal for commands that want one. Names and comments stay out of it.
 */
export function authorizedKeys(launcher: string, keys: readonly Key[]): string {
  const lines = keys.map(({ id, publicKey }) => {
    // `exec`, so that no shell stays between sshd and the program, which watches its parent.
    const command = `exec ${shellQuote(launcher)} --ssh-key-id ${id}`.replaceAll('"', '\\"')
    return `restrict,pty,command="${command}" ${publicKey}\n`
  })
  return `# Written by paas from its state; changes here are lost. See: paas keys:add\n${lines.join('')}`
}

/** Writes the file that sshd reads from what is stored. At the start of the controller and after each change. */
export async function writeAuthorizedKeys({ paths, store }: Platform): Promise<void> {
  // Readable for the user that sshd reads it as, who must not be able to write it.
  await writeFileAtomically(
    paths.authorizedKeys,
    authorizedKeys(paths.launcher, await store.sshKeys.list()),
    0o644,
  )
}
