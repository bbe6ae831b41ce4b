import { changeConfig } from '../deploy/config.ts'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { type Service } from '../model/service.ts'
import { ownSecret } from './access.ts'
import { runningServer, settle } from './container.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'
import { variablesOf } from './link.ts'

/**
 * Gives the service, and every app with a user of its own in it, new passwords, and releases every linked app with
 * them. An app whose release fails gets its new value with its next one, and is named in the error.
 */
export async function rotateCredentials(service: Service, context: ServiceContext): Promise<string[]> {
  return serviceTurn(service, 'credentials:rotate', context, async (current) => {
    const { platform, say } = context
    const { apps, secrets, services } = platform.store
    const container = await runningServer(platform, current)
    const rotated: Service = {
      ...current,
      secrets: { ...current.secrets, PASSWORD: secrets.seal(current.id, 'PASSWORD', randomHex(32)) },
      links: current.links.map((link) =>
        link.own === undefined
          ? link
          : {
              ...link,
              own: { ...link.own, password: secrets.seal(current.id, ownSecret(link), randomHex(32)) },
            },
      ),
    }
    // Stored first: whatever is cut off, the next start of the service makes it let the stored passwords in.
    await services.save(rotated)
    await settle(rotated, container, context)
    const failed: string[] = []
    const done: string[] = []
    for (const link of rotated.links) {
      const app = await apps.get(link.app)
      if (app === undefined) continue
      const change = variablesOf(rotated, link, context)
      try {
        say(`Releasing ${app.name} with its new credentials`)
        await changeConfig(app, change, context, { restart: true })
        done.push(app.name)
      } catch (error) {
        await changeConfig(app, change, context, { restart: false })
        failed.push(`${app.name}: ${messageOf(error)}`)
      }
    }
    if (failed.length === 0) return done
    throw new PaasError(
      'RELEASE_FAILED',
      `${current.name} has new credentials, but not every app runs with them:\n${failed.join('\n')}`,
      { hint: 'Each has them with its next release; to try again now: paas ps:restart -a APP' },
    )
  })
}
