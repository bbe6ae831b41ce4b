import { type Service } from '../model/service.ts'
import { accessOf } from './access.ts'
import { type ServiceContext } from './context.ts'
import { datastoreOf } from './registry.ts'
import { runOrFail } from './run.ts'
import { type Access } from './service.ts'
import { dataOf } from './transfer.ts'

/** What is in a database by name: rows of each table and the like. */
export type Contents = Record<string, number>

/** Counts what a container of the service holds; undefined access: the service's own database. */
export async function contentsOf(
  service: Service,
  container: string,
  { platform }: Pick<ServiceContext, 'platform'>,
  access: Access = accessOf(service, platform.store.secrets),
): Promise<Contents> {
  const { contents } = dataOf(datastoreOf(service))
  return parseContents(
    await runOrFail(platform.engine, container, contents(access), `look into ${service.name}`),
  )
}

/** Lines of a name, a tab and a count. Others are not counted: a client may greet. */
export function parseContents(text: string): Contents {
  const pairs = text.split('\n').flatMap((line) => {
    const match = /^(.+)\t(\d+)$/.exec(line)
    return match === null ? [] : [[match[1]!, Number(match[2])] as const]
  })
  return Object.fromEntries(pairs)
}
