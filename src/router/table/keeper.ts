import { type RouteTable } from './route-table.ts'
import { writeSnapshot } from './snapshot.ts'

/** Between two writes pass so many times the last one's duration. */
const share = 50
const mostMs = 120_000

export type SnapshotKeeper = ReturnType<typeof createSnapshotKeeper>

/** Keeps a file what the table is, for whoever comes after this process. */
export function createSnapshotKeeper(
  table: RouteTable,
  file: {
    path: string
    /** Which Redis the table is of. */
    source: string
  },
  /** What is known of that Redis. */
  redis: () => {
    version: number
    /** The table has been read from it, and is not being read from one that was set back. */
    settled: boolean
    connected: boolean
  },
  report: (message: string) => void,
) {
  let wanted = false
  let saving: Promise<void> | undefined
  /** The version that the file has. */
  let written: number | undefined
  let notBefore = 0

  async function write(version: number): Promise<void> {
    wanted = false
    written = version
    const began = performance.now()
    await writeSnapshot(file.path, { version, source: file.source }, table).catch((error: unknown) => {
      wanted = true
      report(`the snapshot was not written: ${String(error)}`)
    })
    saving = undefined
    const now = performance.now()
    notBefore = now + Math.min(mostMs, share * (now - began))
  }

  async function save(): Promise<void> {
    // A large one that changes all the time is not written all the time; but while Redis is away it is all there is.
    const { version, settled, connected } = redis()
    const isDue = !connected || performance.now() >= notBefore
    if (saving !== undefined || !settled || !isDue || (!wanted && version === written)) return
    saving = write(version)
    await saving
  }

  return {
    /** The file is behind. */
    changed(): void {
      wanted = true
    },

    /** Called now and then: writes what has changed, unless that has just been done or cannot be known. */
    save,

    /** Writes what has changed, as nobody will later. */
    async finish(): Promise<void> {
      await saving
      notBefore = 0
      await save()
    },
  }
}
