import { z } from 'zod'
import { AppId, AppName, Domain, ProcessType } from './names.ts'

/** Process type → how many containers run. A type that is missing runs 0, except `web`, which runs 1. */
export const Formation = z.record(ProcessType, z.int().min(0).max(100))
export type Formation = z.infer<typeof Formation>

export const App = z.strictObject({
  id: AppId,
  name: AppName,
  createdAt: z.iso.datetime(),
  /** The branch whose push is deployed; undefined until the first push, which may be main or master. */
  branch: z.string().optional(),
  formation: Formation,
  /** Hosts besides `<name>.<base domain>`. */
  domains: z.array(Domain),
  /** The release that serves; undefined before the first one. */
  currentRelease: z.int().min(1).optional(),
  /** The highest release number given out; failed releases count. */
  lastRelease: z.int().min(0),
})
export type App = z.infer<typeof App>
