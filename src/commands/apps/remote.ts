import { type App } from '../../model/app.ts'
import { type Instance } from '../../model/instance.ts'

/** The address that `git remote add` takes: scp's short form where ssh's own port serves. */
export function remoteOf({ name }: Pick<App, 'name'>, { user, domain, sshPort }: Instance): string {
  return sshPort === 22 ? `${user}@${domain}:${name}` : `ssh://${user}@${domain}:${sshPort}/${name}`
}
