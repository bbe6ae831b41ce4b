import { changeConfig } from '../deploy/config.ts'
import { type App } from '../model/app.ts'
import { ConfigName } from '../model/names.ts'
import { type Service } from '../model/service.ts'
import { colourName } from './colours.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'
import { partsOf, variablesOf } from './link.ts'
import { datastoreOf } from './registry.ts'
import { linkOf } from './unlink.ts'

/**
 * Makes a linked service the app's main one of its kind: its address goes into DATABASE_URL (or the like). What
 * was there stays under a colour's name, unless another var has it too. Vars with parts of the address go along, unless
 * they hold something else. One release.
 */
export async function promoteService(
  service: Service,
  app: App,
  context: ServiceContext,
): Promise<{ name: string; former?: string; release?: number }> {
  return serviceTurn(service, 'services:promote', context, async (current) => {
    const { apps, secrets, services } = context.platform.store
    const link = linkOf(current, app)
    const datastore = datastoreOf(current)
    const main = ConfigName.parse(datastore.variables[0])
    const config = secrets.openAll(app.id, await apps.config(app.id))
    const value = Object.values(variablesOf(current, link, context))[0]!
    const old = config[main]
    if (old === value) return { name: main }
    const elsewhere = Object.entries(config).some(([name, other]) => name !== main && other === old)
    const former =
      old === undefined || elsewhere ? undefined : colourName((name) => Object.hasOwn(config, name))
    const oldParts = partsOf(datastore, old ?? '')
    const parts = Object.entries(partsOf(datastore, value))
    const follow = parts.every(([name]) => config[name] === undefined || config[name] === oldParts[name])
    const mine = { [main]: value, ...(follow && Object.fromEntries(parts)) }
    const names = Object.keys(mine).map((name) => ConfigName.parse(name))
    const change = { ...mine, ...(former !== undefined && { [former]: old }) }
    const { release } = await changeConfig(app, change, context, { restart: true })
    await services.save({
      ...current,
      links: current.links.map((other) =>
        other === link ? { ...link, names: [...new Set([...link.names, ...names])] } : other,
      ),
    })
    await giveUpNames(current, app, names, former, context)
    return { name: main, ...(former !== undefined && { former }), ...(release !== undefined && { release }) }
  })
}

/** The service that had the main variable, the first of the names, goes by the colour from now on. */
async function giveUpNames(
  promoted: Service,
  app: App,
  names: ConfigName[],
  former: string | undefined,
  { platform }: ServiceContext,
): Promise<void> {
  const { services } = platform.store
  for (const other of await services.ofApp(app.id)) {
    if (other.id === promoted.id) continue
    const links = other.links.map((link) => {
      if (link.app !== app.id || !link.names.includes(names[0]!)) return link
      const rest = link.names.filter((name) => !names.includes(name))
      return { ...link, names: former === undefined ? rest : [...rest, ConfigName.parse(former)] }
    })
    if (links.some((link, i) => link !== other.links[i])) await services.save({ ...other, links })
  }
}
