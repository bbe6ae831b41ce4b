import { App } from '../model/app.ts'
import { type ServiceId, Service } from '../model/service.ts'
import { Release } from '../model/release.ts'
import { type StateRecord } from '../store/dump.ts'
import { keys } from '../store/keys.ts'

/** What is in a dump of the state, as the models have it. Pure. */

export const appsIn = (records: readonly StateRecord[]): App[] =>
  records.flatMap((record) =>
    record.type === 'string' && /^paas:app:[^:]+$/.test(record.key)
      ? [App.parse(JSON.parse(record.value))]
      : [],
  )

export const servicesIn = (records: readonly StateRecord[]): Service[] =>
  records.flatMap((record) =>
    record.type === 'string' && record.key.startsWith(keys.service('' as ServiceId))
      ? [Service.parse(JSON.parse(record.value))]
      : [],
  )

export function releaseIn(
  records: readonly StateRecord[],
  { id, currentRelease }: Pick<App, 'id' | 'currentRelease'>,
): Release | undefined {
  const text =
    currentRelease === undefined ? undefined : hashIn(records, keys.releases(id))[String(currentRelease)]
  return text === undefined ? undefined : Release.parse(JSON.parse(text))
}

/** A hash; empty where there is none. */
export function hashIn(records: readonly StateRecord[], key: string): Record<string, string> {
  const record = records.find((one) => one.key === key)
  return record?.type === 'hash' ? record.value : {}
}

/** A string; undefined where there is none. */
export function stringIn(records: readonly StateRecord[], key: string): string | undefined {
  const record = records.find((one) => one.key === key)
  return record?.type === 'string' ? record.value : undefined
}

/** A list; undefined where there is none. */
export function listIn(records: readonly StateRecord[], key: string): string[] | undefined {
  const record = records.find((one) => one.key === key)
  return record?.type === 'list' ? record.value : undefined
}

/** The records with some services as they are to be. */
export function withServices(records: readonly StateRecord[], services: readonly Service[]): StateRecord[] {
  const changed = new Map(services.map((service) => [keys.service(service.id), service]))
  return records.map((record) => {
    const service = changed.get(record.key)
    return service === undefined
      ? record
      : { key: record.key, type: 'string', value: JSON.stringify(service) }
  })
}
