import { commands } from '../../../src/commands/registry.ts'

/** What is measured: `line` by its time, and `before` it, each time, what is not. */
export type Measured = { line: string[]; before?: string[] }

/** What the lines are about, all of which is there. */
export type Scene = {
  app: string
  processes: number
  service: string
  /** A clone's folder, and the file of a key. */
  source: string
  key: string
}

/** app.json of the app: what there is to say of its cron. */
export const appJson = JSON.stringify({ cron: [{ name: 'bench', command: 'true', schedule: '0 0 1 1 *' }] })
/** A config var of the app. */
export const configVar = 'BENCH'

/** Every command that reads. Throws where the registry has one more. */
export function readingLines({ app, service, source }: Scene): Measured[] {
  const of = (command: string, ...words: string[]): string[] => [command, '-a', app, ...words]
  const lines = [
    ...[['apps:list'], of('apps:info')],
    ...[of('config:list'), of('config:get', configVar), of('config:export')],
    ...[of('ps:list'), of('scale'), of('ps:type'), of('checks:report'), of('run:list')],
    ...[of('logs', '-n', '100'), of('drains:list'), of('cron:list'), of('cron:logs', 'bench')],
    ...[of('releases:list'), of('releases:info'), of('releases:diff', 'v1')],
    ...[of('builds:list'), of('builds:log'), ['builds:set'], of('build-args:list')],
    ...[of('domains:list'), ['routes:list'], ['router:stats'], ['router:logs', '-n', '100']],
    ...[['services:list'], ['services:info', service], ['services:logs', service]],
    ...[['services:credentials', service], of('storage:list')],
    ...[['backups:list'], ['backups:stores:list'], ['server:backups'], ['keys:list']],
    ...[['buildpacks:list'], ['buildpacks:detect', source], ['base:info'], ['base:status']],
    ...[['doctor'], ['events'], ['disk'], ['version'], ['completion', 'bash']],
  ]
  const isMissing = (name: string): boolean => lines.every(([command]) => command !== name)
  const missing = commands.filter(({ name, access }) => access === 'read' && isMissing(name))
  if (missing.length > 0) throw new Error(`not measured: ${missing.map(({ name }) => name).join(', ')}`)
  return lines.map((line) => ({ line }))
}

/** The common commands that change something; `turn` is another number each time, so that they do. */
export function changingLines({ app, processes, key }: Scene): ((turn: number) => Measured)[] {
  const of = (command: string, ...words: string[]): string[] => [command, '-a', app, ...words]
  const drain = of('drains:add', 'syslog://127.0.0.1:1')
  const [host, spare] = ['bench.example.com', 'bench-spare']
  return [
    (turn) => ({ line: of('config:set', `CHANGE=${turn}`) }),
    (turn) => ({ before: of('config:set', `GONE=${turn}`), line: of('config:unset', 'GONE') }),
    (turn) => ({ line: of('scale', `web=${processes + (turn % 2)}`) }),
    () => ({ line: of('ps:restart') }),
    () => ({ before: of('ps:start'), line: of('ps:stop', 'web.1') }),
    () => ({ before: of('ps:stop', 'web.1'), line: of('ps:start') }),
    (turn) => ({ line: of('ps:type', `web=${64 + (turn % 2)}m`) }),
    (turn) => ({ line: of('checks:set', 'web', '--path', '/', '--attempts', String(20 + (turn % 2))) }),
    () => ({ line: of('rollback') }),
    () => ({ line: of('deploy') }),
    (turn) => ({ line: of('releases:set', '--keep', String(10 + (turn % 2))) }),
    () => ({ line: of('run', '--', 'true') }),
    () => ({ line: of('run:detached', '--', 'true') }),
    () => ({ line: of('ps:exec', 'web', '--', 'true') }),
    () => ({ line: of('cron:run', 'bench') }),
    () => ({ before: of('cron:resume', 'bench'), line: of('cron:pause', 'bench') }),
    () => ({ before: of('cron:pause', 'bench'), line: of('cron:resume', 'bench') }),
    () => ({ before: drain, line: of('drains:remove', drain.at(-1)!) }),
    (turn) => ({ line: of('domains:add', `${turn}.${host}`) }),
    () => ({ before: of('domains:add', host), line: of('domains:remove', host) }),
    (turn) => ({ line: of('apps:lock', `for the ${turn}th time`) }),
    () => ({ line: of('apps:unlock') }),
    (turn) => ({ line: ['apps:create', `${spare}-${turn}`] }),
    () => ({ before: ['apps:create', spare], line: ['apps:destroy', '-a', spare, '--confirm', spare] }),
    () => ({ before: ['keys:add', spare, `${key}.pub`], line: ['keys:remove', spare] }),
  ]
}
