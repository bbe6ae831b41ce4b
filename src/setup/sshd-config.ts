import { type InstancePaths } from '../lib/paths.ts'
import { type Instance } from '../model/instance.ts'

/** What holds for the pushing user, whichever sshd serves it: keys only, no forwarding of any kind. */
const userRules = `PasswordAuthentication no
KbdInteractiveAuthentication no
AuthenticationMethods publickey
DisableForwarding yes
PermitTunnel no
PermitUserRC no
AcceptEnv GIT_PROTOCOL`

/** Settings of our own sshd, for machines on which no other one listens on the port. */
export function sshdConfig(
  instance: Instance,
  paths: InstancePaths,
  machine: { ownMachine: boolean },
): string {
  return `# Written by bin/setup, which replaces it on its next run.
Port ${instance.sshPort}
HostKey ${paths.etc}/ssh_host_ed25519_key
PidFile ${paths.run}/sshd.pid
AllowUsers ${instance.user}
AuthorizedKeysFile ${paths.authorizedKeys}
${userRules}
PermitRootLogin no
UsePAM no
PrintMotd no
LoginGraceTime 30
MaxAuthTries 10
MaxStartups 100:30:200
ClientAliveInterval 60
ClientAliveCountMax 5
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
HostKeyAlgorithms ssh-ed25519
# A private instance may live below a folder that others may write to, which StrictModes refuses.
StrictModes ${machine.ownMachine ? 'yes' : 'no'}
`
}

/** A drop-in for the machine's own sshd. A Match block in an included file ends with that file. */
export function sshdDropIn(instance: Instance): string {
  return `# Written by bin/setup for paas; removed by bin/setup --uninstall.
Match User ${instance.user}
${userRules.replaceAll(/^/gm, '    ')}
`
}
