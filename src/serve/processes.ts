import { join } from 'node:path'
import { type InstancePaths } from '../lib/paths.ts'
import { type Instance } from '../model/instance.ts'
import { type Accounts } from '../setup/files.ts'
import { accountNames } from '../setup/layout.ts'
import { controllerFlags } from '../setup/node-flags.ts'
import { type ChildSpec } from './child.ts'

/**
 * The processes of an instance in the order of starting. They stop in the reverse order: the router drains
 * first, the state goes last.
 */
export function processes(
  root: string,
  instance: Instance,
  paths: InstancePaths,
  facts: { accounts: Accounts; privateSshd: boolean },
): ChildSpec[] {
  const names = accountNames(instance)
  const id = (name: string) => facts.accounts.get(name)
  const node = join(paths.opt, 'node/bin/node')
  const main = (name: string) => join(paths.opt, 'app/dist/main', `${name}.js`)
  const env = { ...process.env, PAAS_ROOT: root }
  const common = (name: string) => ({
    name,
    logFile: join(paths.log, `${name}.log`),
    pidFolder: paths.servePids,
  })
  return [
    {
      ...common('redis'),
      program: 'redis-server',
      args: [paths.redisConfig],
      uid: id(names.redis)!.uid,
      gid: id(names.router)!.gid,
      stopTimeoutMs: 30_000,
    },
    {
      ...common('controller'),
      program: node,
      args: [...controllerFlags, main('controller')],
      env,
      stopTimeoutMs: 60_000,
    },
    ...(facts.privateSshd
      ? [
          {
            ...common('sshd'),
            program: '/usr/sbin/sshd',
            args: ['-D', '-e', '-f', paths.sshdConfig],
            stopTimeoutMs: 5000,
            reloadSignal: 'SIGHUP' as const,
          },
        ]
      : []),
    {
      ...common('router'),
      program: 'setpriv',
      // The router keeps one right, to listen below port 1024, and can gain none.
      args: [
        ...[`--reuid=${names.router}`, `--regid=${names.router}`, '--clear-groups', '--no-new-privs'],
        ...['--inh-caps', '--ambient-caps', '--bounding-set'].map((set) => `${set}=-all,+net_bind_service`),
        ...['--', node, main('router')],
      ],
      env: { ...env, HOME: '/nonexistent' },
      stopTimeoutMs: 45_000,
      reloadSignal: 'SIGHUP',
    },
  ]
}
