import { type Container } from '../scheduler.ts'

/** What the engine's list tells of a container; `endpoints` is another one after every start. */
export type Summary = { id: string; running: boolean; endpoints: string }

/**
 * Remembers containers that run. Nothing about one changes until it ends, so of a list only those are inspected that
 * are new, were started again, or do not run: a look at hundreds of containers is one call.
 */
export function rememberRunning(inspect: (id: string) => Promise<Container | undefined>) {
  let known = new Map<string, { endpoints: string; container: Container }>()

  return {
    /** The containers of a list of all; those that are gone by now are left out. */
    async read(summaries: readonly Summary[]): Promise<Container[]> {
      const next: typeof known = new Map()
      const found = await Promise.all(
        summaries.map(async ({ id, running, endpoints }) => {
          const before = known.get(id)
          const same = running && endpoints !== '' && before?.endpoints === endpoints
          const container = same ? before.container : await inspect(id)
          if (container?.running === true) next.set(id, { endpoints, container })
          return container
        }),
      )
      known = next
      return found.filter((container) => container !== undefined)
    },
  }
}
