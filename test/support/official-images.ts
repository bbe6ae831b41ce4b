import { docker } from './docker.ts'
import { instance } from './instance.ts'
import { mustRun } from './process.ts'
import { dockerBuild, install } from './registry.ts'

const account = (name: string, id: number, home: string): string =>
  `RUN groupadd -r --gid=${id} ${name} && useradd -r -g ${name} --uid=${id} --home-dir=${home} ${name} && \
install -d -o ${name} -g ${name} -m 1777 ${home}`

/** What would make a database of its own from variables that nobody has set. */
const entrypoint = `RUN printf '#!/bin/sh\\necho this entry point has no password >&2\\nexit 9\\n' > /usr/local/bin/docker-entrypoint.sh && chmod 755 /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["docker-entrypoint.sh"]`

/**
 * Images as the official ones are: Debian's essential packages and no more than the datastore needs, their users and
 * numbers, PATH, ENTRYPOINT and VOLUME. The version of Debian is chosen by what it has.
 */
const recipes = {
  'postgres:18': {
    suite: 'sid',
    lines: [
      account('postgres', 999, '/var/lib/postgresql'),
      install('locales postgresql-common'),
      "RUN echo 'en_US.UTF-8 UTF-8' >> /etc/locale.gen && locale-gen",
      'ENV LANG=en_US.utf8',
      "RUN sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf",
      install('postgresql-18'),
      'ENV PATH=$PATH:/usr/lib/postgresql/18/bin PGDATA=/var/lib/postgresql/18/docker',
      'VOLUME /var/lib/postgresql',
      'STOPSIGNAL SIGINT',
      'EXPOSE 5432',
      entrypoint,
      'CMD ["postgres"]',
    ],
  },
  'mariadb:10.11': {
    suite: 'bookworm',
    lines: [
      account('mysql', 999, '/var/lib/mysql'),
      install('mariadb-server tzdata'),
      'RUN rm -rf /var/lib/mysql && install -d -o mysql -g mysql /var/lib/mysql /run/mysqld',
      'ENV LANG=C.UTF-8',
      'VOLUME /var/lib/mysql',
      'EXPOSE 3306',
      entrypoint,
      'CMD ["mariadbd"]',
    ],
  },
  'redis:8': {
    suite: 'sid',
    lines: [
      account('redis', 999, '/data'),
      install('redis-server redis-tools'),
      'WORKDIR /data',
      'EXPOSE 6379',
      entrypoint,
      'CMD ["redis-server"]',
    ],
  },
  'valkey:9': {
    suite: 'sid',
    lines: [
      account('valkey', 999, '/data'),
      install('valkey-server valkey-tools'),
      // As `make install` leaves them.
      'RUN for name in server cli check-rdb; do ln -s "$(command -v valkey-$name)" /usr/local/bin/redis-$name; done',
      'WORKDIR /data',
      'VOLUME /data',
      'EXPOSE 6379',
      entrypoint,
      'CMD ["valkey-server"]',
    ],
  },
  'memcached:1.6': {
    suite: 'sid',
    lines: [
      account('memcache', 11_211, '/nonexistent'),
      install('memcached'),
      entrypoint,
      'USER memcache',
      'EXPOSE 11211',
      'CMD ["memcached"]',
    ],
  },
  'rabbitmq:4': {
    suite: 'sid',
    lines: [
      account('rabbitmq', 999, '/var/lib/rabbitmq'),
      install('rabbitmq-server'),
      'RUN rm -rf /var/lib/rabbitmq/.erlang.cookie /var/lib/rabbitmq/mnesia && mkdir /opt/rabbitmq && ln -s /usr/lib/rabbitmq/bin /opt/rabbitmq/sbin',
      'ENV PATH=/opt/rabbitmq/sbin:$PATH HOME=/var/lib/rabbitmq RABBITMQ_DATA_DIR=/var/lib/rabbitmq LANG=C.UTF-8',
      "RUN mkdir -p /etc/rabbitmq/conf.d && printf 'loopback_users.guest = false\\nlog.console = true\\n' > /etc/rabbitmq/conf.d/10-defaults.conf && printf 'management_agent.disable_metrics_collector = true\\n' > /etc/rabbitmq/conf.d/20-management_agent.disable_metrics_collector.conf",
      'VOLUME /var/lib/rabbitmq',
      'EXPOSE 5672',
      entrypoint,
      'CMD ["rabbitmq-server"]',
    ],
  },
  /** A system and nothing else. */
  'debian:sid': { suite: 'sid', lines: [] },
} as const satisfies Record<string, { suite: string; lines: readonly string[] }>

export type Official = keyof typeof recipes

/** Builds them; those of one Debian stand on the same base. */
export function officialImages(): {
  build: (name: Official) => Promise<string>
  remove: () => Promise<void>
} {
  const made = new Set<string>()
  const bases = new Map<string, Promise<string>>()
  const tagOf = (name: string): string => `paas-test/${name.replace(':', '-')}:${instance.name}`

  async function base(suite: string): Promise<string> {
    const tag = tagOf(`essential:${suite}`)
    const options = ['--variant=minbase', '--aptopt=Acquire::Check-Valid-Until "false"', '--format=tar']
    const keys = '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg'
    const line = 'set -euo pipefail; mmdebstrap "${@:3}" - | docker --host "$1" import - "$2"'
    const socket = `unix://${instance.dockerSocket}`
    await mustRun('bash', ['-c', line, 'base', socket, `${tag}-tree`, ...options, keys, suite])
    made.add(`${tag}-tree`)
    // As in Debian's own image, what is installed starts nothing.
    await dockerBuild(
      tag,
      `FROM ${tag}-tree
RUN printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d`,
    )
    made.add(tag)
    return tag
  }

  return {
    async build(name) {
      const { suite, lines } = recipes[name]
      const from = bases.get(suite) ?? base(suite)
      bases.set(suite, from)
      const tag = tagOf(name)
      await dockerBuild(tag, [`FROM ${await from}`, 'CMD ["bash"]', ...lines].join('\n'))
      made.add(tag)
      return tag
    },
    async remove() {
      for (const tag of [...made].toReversed()) await docker('rmi', '--force', tag)
    },
  }
}
