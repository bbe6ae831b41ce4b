import { own } from '../lib/own.ts'

/**
 * What people type who come from Heroku or Dokku, and what that is here: asked only for what no command is called. A key
 * that ends with a colon stands for its topic and every command of it.
 */
const commandsElsewhere: Readonly<Record<string, string>> = {
  access: 'Who may do what is said with each key: paas keys:add NAME FILE --role ROLE',
  'addons:': 'Databases are services: paas services:create KIND NAME, then paas services:link',
  'apps:delete': 'paas apps:destroy -a APP',
  'apps:exists': 'paas apps:info -a APP',
  'apps:report': 'paas apps:info -a APP',
  'auth:': 'An SSH key is the login; ssh paas@HOST without a command says whose it is and what it may.',
  'buildpacks:clear': 'Without a name it is found again: paas buildpacks:set -a APP',
  'certs:': 'There are no certificates here yet: let a proxy that ends TLS stand before the router.',
  'checks:disable': 'paas checks:set -a APP TYPE --skip',
  'checks:enable': 'paas checks:set -a APP TYPE --default',
  'checks:skip': 'paas checks:set -a APP TYPE --skip',
  'config:add': 'paas config:set -a APP NAME=value',
  'config:clear': 'paas config:unset -a APP NAME…',
  'config:keys': 'paas config:list -a APP',
  'config:remove': 'paas config:unset -a APP NAME…',
  'config:show': 'paas config:list -a APP --reveal',
  console: 'paas run -a APP -- COMMAND',
  'container:': 'An image that was built elsewhere: paas git:from-image -a APP IMAGE',
  'cron:add': 'Entries are in app.json: docs/cron.md',
  'domains:clear': 'By name: paas domains:remove -a APP DOMAINS…',
  'domains:report': 'paas domains:list -a APP',
  'domains:set': 'paas domains:add -a APP DOMAINS…, and paas domains:remove for the others',
  'dyno:': 'paas ps:restart -a APP web.1, ps:stop, or ps:list',
  enter: 'A shell in a process that runs: paas ps:exec -a APP web.1',
  'git:remote': 'git remote add paas paas@HOST:APP',
  'letsencrypt:': 'There are no certificates here yet: let a proxy that ends TLS stand before the router.',
  list: 'paas apps:list',
  login: 'An SSH key is the login; ssh paas@HOST without a command says whose it is and what it may.',
  'logs:failed': 'paas releases:list -a APP says why; paas builds:log -a APP BUILD has a build’s output.',
  ls: 'paas apps:list',
  'maintenance:': 'To stop an app: paas ps:stop -a APP. To keep it as it is: paas apps:lock -a APP REASON',
  members: 'Who may do what is said with each key: paas keys:list',
  'nginx:': 'The router is paas’s own: paas routes:list, paas router:logs',
  open: 'The address is in: paas apps:info -a APP',
  'pg:': 'paas postgres:connect NAME, paas postgres:info NAME, paas backups:create NAME',
  'ports:': 'An app listens on its config var PORT: paas config:set -a APP PORT=8080',
  'proxy:': 'An app listens on its config var PORT: paas config:set -a APP PORT=8080',
  'ps:inspect': 'paas ps:list -a APP --json',
  'ps:kill': 'paas ps:restart -a APP web.1',
  'ps:report': 'paas ps:list -a APP',
  'redis:cli': 'paas redis:connect NAME',
  'resource:': 'paas ps:type -a APP web=512m --cpus 0.5',
  'run:bash': 'paas run -a APP -- bash',
  ssh: 'A shell in a process that runs: paas ps:exec -a APP web.1',
  stack: 'What apps are built on: paas base:info',
  status: 'How the server is: paas doctor. How an app is: paas ps:list -a APP',
  url: 'paas apps:info -a APP',
  urls: 'paas domains:list -a APP',
  whoami: 'ssh paas@HOST without a command says whose the key is and what it may.',
}

/** The same for flags: `command --flag`. */
const flagsElsewhere: Readonly<Record<string, string>> = {
  'apps:destroy --force': 'Say it with the name: paas apps:destroy -a APP --confirm APP',
  'config:get --shell': 'For a shell: paas config:export -a APP --format shell',
  'config:get -s': 'For a shell: paas config:export -a APP --format shell',
  'config:list --shell': 'For a shell: paas config:export -a APP --format shell',
  'config:list -s': 'For a shell: paas config:export -a APP --format shell',
  'logs --dyno': 'paas logs -a APP -t web.1',
  'logs --num': 'paas logs -a APP -n 500',
  'logs --ps': 'paas logs -a APP -t web',
  'logs --tail': 'paas logs -a APP -f',
  'logs -d': 'paas logs -a APP -t web.1',
  'logs -p': 'paas logs -a APP -t web',
  'ps:restart --all': 'Without names it is all of the app: paas ps:restart -a APP',
}

/** What to do instead of a command that there is not; undefined for what nobody else has either. */
export const insteadOf = (command: string): string | undefined =>
  own(commandsElsewhere, command) ?? own(commandsElsewhere, `${command.split(':')[0]!}:`)

/** What to do instead of a flag that a command does not have. */
export const insteadOfFlag = (command: string, flag: string): string | undefined =>
  own(flagsElsewhere, `${command} ${flag}`)

/** All that is said, for its test. */
export const insteads: readonly string[] = [
  ...Object.values(commandsElsewhere),
  ...Object.values(flagsElsewhere),
]
