import { readFile } from 'node:fs/promises'
import { hostsOf } from '../../src/apps/hosts.ts'
import { type App } from '../../src/model/app.ts'
import { type Release } from '../../src/model/release.ts'
import { type Route } from '../../src/model/route.ts'
import { connectRedis, redisReady } from '../../src/store/redis.ts'
import { createSecrets } from '../../src/store/secrets.ts'
import { createStore, type Store } from '../../src/store/store.ts'
import { instance, paths } from '../support/instance.ts'

/** What the instance has acknowledged about one app: what a command or a push has answered with success. */
export type KnownApp = { app: App; config: Record<string, string>; releases: Release[]; routes: Route[] }

/** The instance's state, read beside the controller. */
export async function openState(): Promise<Disposable & { store: Store; known: () => Promise<KnownApp[]> }> {
  const redis = connectRedis({
    path: paths.redisSocket,
    username: 'controller',
    password: (await readFile(paths.redisControllerPassword, 'utf8')).trim(),
    name: 'faults',
  })
  const secrets = createSecrets(await readFile(paths.masterKey))
  const store = createStore(redis, secrets)
  await redisReady(redis, 10_000)

  async function know(app: App): Promise<KnownApp> {
    const [config, releases, ...routes] = await Promise.all([
      store.apps.config(app.id),
      store.releases.list(app.id),
      ...hostsOf(app, instance.domain).map((host) => store.routes.get(host)),
    ])
    return {
      app,
      config: secrets.openAll(app.id, config),
      releases,
      routes: routes.filter((route) => route !== undefined),
    }
  }
  return {
    store,
    known: async () => Promise.all((await store.apps.list()).map(know)),
    [Symbol.dispose]: () => redis.disconnect(),
  }
}

const isGood = ({ status }: Release): boolean => status === 'active' || status === 'superseded'

/** What was acknowledged before and is not so any more. `changed`: apps that may have got another release. */
export function lost(before: KnownApp[], after: KnownApp[], changed: readonly string[]): string[] {
  return before.flatMap(({ app, config, releases, routes }) => {
    const now = after.find((other) => other.app.id === app.id)
    if (now === undefined) return [`the app ${app.name} is gone`]
    const same = (what: string, a: unknown, b: unknown): string[] =>
      JSON.stringify(a) === JSON.stringify(b)
        ? []
        : [`${what} of ${app.name} was ${JSON.stringify(a)}, is ${JSON.stringify(b)}`]
    const missing = releases
      .filter(isGood)
      .filter(({ version }) => !now.releases.some((other) => other.version === version && isGood(other)))
    return [
      ...same('the name', app.name, now.app.name),
      ...same('the formation', app.formation, now.app.formation),
      ...same('the domains', app.domains, now.app.domains),
      ...same('the config', config, now.config),
      ...(changed.includes(app.name)
        ? []
        : same('the live release', app.currentRelease, now.app.currentRelease)),
      ...missing.map(({ version }) => `release v${version} of ${app.name} is lost`),
      ...same(
        'the hosts',
        routes.map(({ host }) => host),
        now.routes.map(({ host }) => host),
      ),
    ]
  })
}
