import { type Link, type Service } from '../model/service.ts'
import { accessOf, accessOfLink } from '../services/access.ts'
import { runningServer } from '../services/container.ts'
import { contentsOf } from '../services/contents.ts'
import { type ServiceContext } from '../services/context.ts'
import { datastoreOf } from '../services/registry.ts'
import { startPrinting } from '../services/run.ts'
import { bash, type Step } from '../services/service.ts'
import { dataOf } from '../services/transfer.ts'
import { type Source, type SourcePart } from './source.ts'

/** A service's own database, and those that apps have in it for themselves. */
export async function serviceSource(service: Service, context: ServiceContext): Promise<Source> {
  const { engine, store } = context.platform
  const data = dataOf(datastoreOf(service))
  const container = await runningServer(context.platform, service)
  const { id, name, kind, current } = service
  const partOf = (link?: Link): SourcePart => {
    const access =
      link === undefined ? accessOf(service, store.secrets) : accessOfLink(service, link, store.secrets)
    const step = data.packed ? data.dump(access) : packed(data.dump(access))
    return {
      name: access.database,
      ...(link !== undefined && { app: link.app }),
      start: () => startPrinting(engine, container, step, `dump ${name}`, context.signal),
      contents: () => contentsOf(service, container, context, access),
    }
  }
  return {
    subject: { type: 'service', id, name, kind, image: current.image, version: current.version },
    parts: [partOf(), ...service.links.filter(({ own }) => own !== undefined).map(partOf)],
  }
}

/** Compresses where the data is: what crosses to the controller is then a fraction. Not every image has zstd. */
const packed = ({ command, ...step }: Omit<Step, 'input'>): Omit<Step, 'input'> => ({
  ...step,
  command: bash(
    'if command -v zstd > /dev/null; then "$@" | zstd --quiet -1 --stdout; else "$@" | gzip -1; fi',
    ...command,
  ),
})
