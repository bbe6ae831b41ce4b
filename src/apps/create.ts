import { PaasError } from '../errors/paas-error.ts'
import { pronounceableName, randomId } from '../lib/ids.ts'
import { type App } from '../model/app.ts'
import { AppId, AppName } from '../model/names.ts'
import { refuseTakenHost } from './host-owner.ts'
import { type Platform } from './platform.ts'

/** Makes an app without a release; with no name, one that is free and can be said aloud. Throws APP_EXISTS. */
export async function createApp(platform: Platform, name: AppName | undefined, actor: string): Promise<App> {
  return platform.queues.run('names', { owner: actor, verb: 'apps:create' }, async () => {
    const chosen = name ?? (await freeName(platform))
    if ((await platform.store.apps.find(chosen)) !== undefined) throw nameTaken(chosen)
    await refuseTakenHost(platform, `${chosen}.${platform.instance.domain}`)
    const app: App = {
      id: AppId.parse(randomId('a')),
      name: chosen,
      createdAt: platform.now().toISOString(),
      formation: {},
      domains: [],
      lastRelease: 0,
    }
    await platform.store.apps.create(app)
    return app
  })
}

async function freeName({ store }: Platform): Promise<AppName> {
  for (;;) {
    const name = AppName.parse(pronounceableName())
    if ((await store.apps.find(name)) === undefined) return name
  }
}

export function nameTaken(name: AppName): PaasError {
  return new PaasError('APP_EXISTS', `The name ${name} is taken.`, {
    hint: 'Choose another one, or leave it out and one is made up.',
  })
}
