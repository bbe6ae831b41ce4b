import { changeConfig, type ConfigResult } from '../deploy/config.ts'
import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { type App } from '../model/app.ts'
import { ConfigName } from '../model/names.ts'
import { type Link, type Service } from '../model/service.ts'
import { accessOfLink, ownSecret } from './access.ts'
import { colourName } from './colours.ts'
import { runningServer } from './container.ts'
import { identifierOf } from './identifier.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'
import { datastoreOf } from './registry.ts'
import { runOrFail } from './run.ts'
import { type Datastore } from './service.ts'

export type LinkOptions = {
  /** Prefix of the variable, or its whole name where it ends in _URL; undefined: the datastore's own. */
  as?: string
  /** A database and a user of the app's own in the server. */
  ownDatabase: boolean
  restart: boolean
}

export type Linked = { link: Link; outcome: ConfigResult['outcome']; release?: number }

/**
 * Gives an app a service: config vars with its address, and a way to it on the network, as one release. A release
 * that fails takes the link back. Linking again to the same name finishes what was interrupted.
 */
export async function linkService(
  service: Service,
  app: App,
  options: LinkOptions,
  context: ServiceContext,
): Promise<Linked> {
  return serviceTurn(service, 'services:link', context, async (current) => {
    const { store } = context.platform
    const container = await runningServer(context.platform, current)
    const before = current.links.find((link) => link.app === app.id)
    const link = before ?? (await newLink(current, app, options, context))
    if (before !== undefined) refuseOther(current, app, before, options)
    const linked = { ...current, links: [...current.links.filter((other) => other !== before), link] }
    const datastore = datastoreOf(current)
    if (link.own !== undefined && datastore.provision !== undefined) {
      const step = datastore.provision(accessOfLink(linked, link, store.secrets))
      await runOrFail(context.platform.engine, container, step, `make a database for ${app.name}`)
    }
    // Stored before the release: its containers join the network by what is stored.
    await store.services.save(linked)
    try {
      const result = await changeConfig(app, variablesOf(linked, link, context), context, options)
      return { link, ...result }
    } catch (error) {
      if (before === undefined) await forget(current, linked, link, context)
      throw error
    }
  })
}

/** Names and values of a link's config vars. */
export function variablesOf(
  service: Service,
  link: Link,
  { platform }: ServiceContext,
): Record<string, string> {
  const datastore = datastoreOf(service)
  const access = accessOfLink(service, link, platform.store.secrets)
  const value = datastore.url(access, { host: service.host, port: datastore.port })
  const parts = partsOf(datastore, value)
  return Object.fromEntries(link.names.map((name) => [name, parts[name] ?? value]))
}

/** The config vars that hold parts of a URL; of what is no URL, none. Pure. */
export function partsOf({ parts = {} }: Pick<Datastore, 'parts'>, value: string): Record<string, string> {
  const url = URL.parse(value)
  if (url === null) return {}
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part(url)]))
}

async function newLink(
  service: Service,
  app: App,
  { as, ownDatabase }: LinkOptions,
  { platform }: ServiceContext,
): Promise<Link> {
  const { apps, secrets } = platform.store
  const config = await apps.config(app.id)
  const names = namesFor(datastoreOf(service), as, (name) => Object.hasOwn(config, name))
  if (!ownDatabase) return { app: app.id, names }
  if (datastoreOf(service).remove === undefined) {
    throw new PaasError('INVALID_INPUT', `A ${service.kind} service has one database for all who use it.`, {
      hint: `Leave --own-database out, or make a service for ${app.name} alone.`,
    })
  }
  const database = identifierOf(`${app.name.slice(0, 20)}-${app.id.slice(1, 7)}`)
  const password = secrets.seal(service.id, ownSecret({ app: app.id }), randomHex(32))
  return { app: app.id, names, own: { database, user: database, password } }
}

/** Pure. What is taken is never overwritten: then the first variable is called after a colour, and has no parts. */
export function namesFor(
  { variables, parts = {} }: Pick<Datastore, 'variables' | 'parts'>,
  as: string | undefined,
  taken: (name: string) => boolean,
): ConfigName[] {
  if (as === undefined) {
    const [first, ...others] = variables
    const more = [first, ...Object.keys(parts)].some(taken) ? [] : Object.keys(parts)
    const names = [
      ...[taken(first) ? colourName(taken) : first, ...others.filter((name) => !taken(name))],
      ...more,
    ]
    return names.map((name) => ConfigName.parse(name))
  }
  const name = ConfigName.safeParse(as.endsWith('_URL') ? as : `${as}_URL`)
  if (!name.success) throw new PaasError('INVALID_INPUT', `--as: ${name.error.issues[0]!.message}.`)
  if (taken(name.data)) {
    throw new PaasError('INVALID_INPUT', `The app has a config var ${name.data} already.`, {
      hint: 'Choose another name; a link never overwrites.',
    })
  }
  return [name.data]
}

function refuseOther(service: Service, app: App, before: Link, { as, ownDatabase }: LinkOptions): void {
  const same = as === undefined || before.names[0] === (as.endsWith('_URL') ? as : `${as}_URL`)
  if (same && ownDatabase === (before.own !== undefined)) return
  throw new PaasError(
    'SERVICE_EXISTS',
    `${app.name} is linked to ${service.name} as ${before.names[0]!} already.`,
    {
      hint: `To change that: paas services:unlink ${service.name} -a ${app.name}, then link again.`,
    },
  )
}

/** Takes a link back that has no release: nothing uses it. */
async function forget(current: Service, linked: Service, link: Link, context: ServiceContext): Promise<void> {
  await context.platform.store.services.save(current)
  await dropOwn(linked, link, context)
}

/** Removes the database and the user that an app had for itself. */
export async function dropOwn(service: Service, link: Link, { platform }: ServiceContext): Promise<void> {
  const { remove } = datastoreOf(service)
  if (link.own === undefined || remove === undefined) return
  const container = await runningServer(platform, service)
  const access = accessOfLink(service, link, platform.store.secrets)
  await runOrFail(platform.engine, container, remove(access), `remove the database ${link.own.database}`)
}
