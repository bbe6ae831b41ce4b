import { type Subject } from '../model/backup.ts'
import { type AppId } from '../model/names.ts'
import { type Contents } from '../services/contents.ts'
import { type Printing } from '../services/run.ts'

/** One stream of what is backed up, and what tells whether a copy of it is whole. */
export type SourcePart = {
  name: string
  app?: AppId
  /** Prints it, compressed. */
  start: () => Promise<Printing>
  contents: () => Promise<Contents>
}

/** What a backup is made from. */
export type Source = { subject: Subject; parts: SourcePart[] }
