import { AppId, ProcessType } from '../../../src/model/names.ts'
import { type Container } from '../../../src/schedulers/scheduler.ts'

let next = 1

/** `web.1` of release 1, running since noon; the rest as given. */
export function container(
  name: string,
  facts: Partial<Omit<Container, 'slot'>> & { minutes?: number } = {},
): Container {
  const [type = 'web', index = '1'] = name.split('.')
  const { minutes = 0, ...rest } = facts
  const id = String(next++).padStart(12, '0')
  return {
    id,
    name: `blog.${name}.v1-${id.slice(-6)}`,
    appId: AppId.parse('a00000000000000a'),
    release: 1,
    slot: { type: ProcessType.parse(type), index: Number(index) },
    oneOff: false,
    running: true,
    address: `172.30.0.${next}`,
    createdAt: new Date(Date.UTC(2026, 10, 20, 12, minutes)),
    startedAt: new Date(Date.UTC(2026, 10, 20, 12, minutes)),
    finishedAt: undefined,
    exit: undefined,
    image: 'sha256:0',
    pid: 1000,
    attached: false,
    command: undefined,
    ...rest,
  }
}

/** The same, but it has ended. */
export function exited(name: string, facts: Parameters<typeof container>[1] = {}): Container {
  return container(name, {
    running: false,
    address: undefined,
    pid: undefined,
    finishedAt: new Date(Date.UTC(2026, 10, 20, 12, 30)),
    exit: { code: 1, oomKilled: false },
    ...facts,
  })
}

export const imageOf = (...types: string[]) => ({
  processes: Object.fromEntries(types.map((type) => [ProcessType.parse(type), { command: `run ${type}` }])),
})

/** Slots and containers as `web.1`, for tests to compare. */
export const names = (
  found: { slot: { type: string; index: number } }[] | { type: string; index: number }[],
): string[] =>
  found.map((one) => ('slot' in one ? one.slot : one)).map(({ type, index }) => `${type}.${index}`)
