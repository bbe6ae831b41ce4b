import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomically } from '../lib/write-file.ts'

const Positions = z.record(z.string(), z.string())

/** How often, at most, the file is written. */
const saveEveryMs = 1000

export type Positions = Awaited<ReturnType<typeof openPositions>>

/**
 * How far each container's output has been taken, as the time of its last line: where to look from after a
 * restart. A hint that may be a second old; what is in the ring already is found there.
 */
export async function openPositions(file: string) {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const positions = new Map(Object.entries(parse(text)))
  let timer: NodeJS.Timeout | undefined
  let saving: Promise<void> = Promise.resolve()

  function save(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const text = `${JSON.stringify(Object.fromEntries(positions))}\n`
    saving = saving.then(() => writeFileAtomically(file, text, 0o600)).catch(() => undefined)
    return saving
  }

  const saveSoon = (): void => void (timer ??= setTimeout(() => void save(), saveEveryMs))

  return {
    get: (container: string): string | undefined => positions.get(container),
    set(container: string, time: string): void {
      const before = positions.get(container)
      if (before !== undefined && before >= time && !isSetBack(before, time)) return
      positions.set(container, time)
      saveSoon()
    },
    /** Forgets all but these containers. */
    keep(containers: ReadonlySet<string>): void {
      for (const id of positions.keys()) if (!containers.has(id)) positions.delete(id)
      saveSoon()
    },
    save,
  }
}

/** Two streams of a container come out of order by seconds at most; more, and the engine's clock was set back. */
const isSetBack = (before: string, time: string): boolean => Date.parse(before) - Date.parse(time) > 60_000

function parse(text: string): Record<string, string> {
  try {
    return Positions.parse(JSON.parse(text))
  } catch {
    return {}
  }
}
