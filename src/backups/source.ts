import { type Subject } from '../model/backup.ts'
import { type AppId } from '../model/names.ts'
import { type Contents } from '../services/contents.ts'

/** One stream of what is backed up, and what tells whether a copy of it is whole. */
export type SourcePart = {
  name: string
  app?: AppId
  /** Compressed; ends with an error unless all of it came. */
  open: () => AsyncIterable<Buffer>
  contents: () => Promise<Contents>
}

/** What a backup is made from. */
export type Source = { subject: Subject; parts: SourcePart[] }
