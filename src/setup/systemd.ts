import { basename, join } from 'node:path'
import { type InstancePaths } from '../lib/paths.ts'
import { type Instance } from '../model/instance.ts'
import { accountNames, runDirectories } from './layout.ts'
import { type Owned } from './files.ts'
import { controllerFlags } from './node-flags.ts'

/** A file that systemd reads, by its path. */
export type UnitFile = { path: string; content: string }

export const unitFolder = '/etc/systemd/system'
export const target = 'paas.target'

/** Never give up: an instance that waits for its disk or its Redis comes back by itself. */
const restart = `Restart=always
RestartSec=1`

const hardening = `NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
LockPersonality=yes
RestrictRealtime=yes`

/** For the parts that need neither root nor the rest of the file system. */
const strictHardening = `${hardening}
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
PrivateDevices=yes
RestrictNamespaces=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service`

/** All that systemd and its companions read about the machine's own instance; `privateSshd` where no other sshd serves the port. */
export function unitFiles(instance: Instance, paths: InstancePaths, privateSshd: boolean): UnitFile[] {
  const services: Record<string, string> = {
    'paas-redis.service': redis(instance, paths),
    'paas-controller.service': controller(paths),
    'paas-router.service': router(instance, paths),
    ...(privateSshd && { 'paas-sshd.service': sshd(paths) }),
  }
  return [
    ...Object.entries({ ...services, [target]: group(Object.keys(services)) }).map(([name, content]) => ({
      path: join(unitFolder, name),
      content,
    })),
    { path: '/etc/tmpfiles.d/paas.conf', content: temporary(runDirectories(instance, paths)) },
    { path: '/etc/logrotate.d/paas', content: rotation(instance, paths) },
  ]
}

function group(services: string[]): string {
  return `[Unit]
Description=paas, a platform-as-a-service
Wants=${services.join(' ')}

[Install]
WantedBy=multi-user.target
`
}

function unit(description: string, order: string, service: string): string {
  return `[Unit]
Description=${description}
PartOf=${target}
StartLimitIntervalSec=0
${order}

[Service]
${service}
${restart}
`
}

function redis(instance: Instance, paths: InstancePaths): string {
  const accounts = accountNames(instance)
  return unit(
    'paas: Redis, which holds the state',
    'After=local-fs.target',
    `Type=notify
ExecStart=/usr/bin/redis-server ${paths.redisConfig} --supervised systemd
User=${accounts.redis}
Group=${accounts.router}
UMask=0077
LimitNOFILE=65536
OOMScoreAdjust=-900
TimeoutStartSec=infinity
ReadWritePaths=${paths.redisData} ${join(paths.run, 'redis')}
RestrictAddressFamilies=AF_UNIX
MemoryDenyWriteExecute=yes
CapabilityBoundingSet=
${strictHardening}`,
  )
}

function controller(paths: InstancePaths): string {
  return unit(
    'paas: controller, which deploys and reconciles',
    'After=paas-redis.service docker.service docker.socket network.target\nWants=paas-redis.service docker.service',
    `Type=exec
ExecStart=${paths.opt}/node/bin/node ${controllerFlags.join(' ')} ${paths.opt}/app/dist/main/controller.js
Environment=PAAS_ROOT=/
OOMScoreAdjust=-500
OOMPolicy=continue
TimeoutStopSec=60
KillMode=mixed
${hardening}`,
  )
}

function router(instance: Instance, paths: InstancePaths): string {
  const user = accountNames(instance).router
  return unit(
    'paas: router, which serves the traffic',
    'After=paas-redis.service network.target\nWants=paas-redis.service',
    `Type=exec
ExecStart=${paths.opt}/node/bin/node ${paths.opt}/app/dist/main/router.js
ExecReload=/bin/kill -HUP $MAINPID
Environment=PAAS_ROOT=/
User=${user}
Group=${user}
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
LimitNOFILE=1048576
OOMScoreAdjust=-700
OOMPolicy=continue
TimeoutStopSec=45
KillMode=mixed
ReadWritePaths=${join(paths.lib, 'router')} ${join(paths.log, 'router')} ${join(paths.run, 'router')}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
${strictHardening}`,
  )
}

function sshd(paths: InstancePaths): string {
  return unit(
    'paas: sshd, which takes pushes and commands',
    'After=network.target paas-controller.service',
    `Type=exec
ExecStart=/usr/sbin/sshd -D -e -f ${paths.sshdConfig}
ExecReload=/bin/kill -HUP $MAINPID
RuntimeDirectory=sshd
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
OOMPolicy=continue
KillMode=process`,
  )
}

/** Everything else goes to the journal. The router's workers go on in the file that was renamed until they are told. */
function rotation(instance: Instance, paths: InstancePaths): string {
  const user = accountNames(instance).router
  return `${paths.accessLog} {
    daily
    maxsize 64M
    rotate 4
    compress
    delaycompress
    nocreate
    missingok
    notifempty
    su ${user} ${user}
    postrotate
        kill -USR1 "$(systemctl show --property=MainPID --value paas-router)"
    endscript
}
`
}

/** tmpfiles.d(5) lines for folders that a restart of the machine removes. */
function temporary(folders: Owned[]): string {
  return folders
    .map(({ path, mode, owner, group }) => `d ${path} 0${mode.toString(8)} ${owner} ${group} -\n`)
    .join('')
}

/** `paas-redis.service` of a unit file's path. */
export function unitName(file: UnitFile): string {
  return basename(file.path)
}
