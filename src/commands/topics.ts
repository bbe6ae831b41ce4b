import { type Command } from './define.ts'

/** What commands are about, in the order in which the help and the reference list them. */
export const topics = {
  apps: 'apps',
  config: 'config vars, the environment of an app',
  ps: 'processes of an app',
  run: 'one-off processes',
  checks: 'how processes are checked',
  cron: 'what an app runs by the clock',
  logs: 'what processes print',
  drains: 'where logs are sent',
  releases: 'what has been live, and how to go back',
  builds: 'how images came to be',
  domains: 'the hosts that an app answers on',
  services: 'databases and other services',
  backups: 'backups of services and storage, proven to restore',
  storage: 'folders of an app that outlive its containers',
  keys: 'who may push and give commands',
  routes: 'the route table of the router',
  router: 'the router itself',
  buildpacks: 'how images are built',
  base: 'the image that apps are built on',
  server: 'the server',
} as const

export type Topic = keyof typeof topics

/** `config` of `config:set`, unless the command says otherwise. */
export const topicOf = ({ name, topic }: Pick<Command, 'name' | 'topic'>): string =>
  topic ?? name.split(':')[0]!

/** The commands of each topic, in the order of `topics`; a topic that is not in it comes last. */
export function byTopic(commands: readonly Command[]): [topic: string, members: Command[]][] {
  const order = Object.keys(topics)
  const rank = (topic: string): number => (order.includes(topic) ? order.indexOf(topic) : order.length)
  return [...Map.groupBy(commands, topicOf)].sort(([a], [b]) => rank(a) - rank(b))
}
