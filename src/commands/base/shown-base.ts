import { join } from 'node:path'
import { z } from 'zod'
import { type BaseInfo } from '../../build/base-image.ts'
import { type NodeRuntime } from '../../build/node-image.ts'
import { type InstancePaths } from '../../lib/paths.ts'
import { ago, details } from '../render.ts'

/** The base as commands show it. Sizes in bytes. */
export const ShownBase = z.object({
  image: z.string(),
  id: z.string(),
  debian: z.string(),
  builtAt: z.string(),
  size: z.int(),
  node: z.object({ image: z.string(), version: z.string(), size: z.int() }).nullable(),
})
export type ShownBase = z.infer<typeof ShownBase>

export const shownBase = ({ image, id, debian, builtAt, size, node }: BaseInfo): ShownBase => ({
  image,
  id,
  debian,
  builtAt,
  size,
  node: node === undefined ? null : { image: node.image, version: node.version, size: node.size },
})

export const renderBase = ({ image, id, debian, builtAt, size, node }: ShownBase): string =>
  details(image, {
    debian,
    built: `${builtAt} (${ago(new Date(builtAt), new Date())})`,
    size: inMB(size),
    id: id.slice('sha256:'.length, 'sha256:'.length + 12),
    node: node === null ? 'missing: paas base:build' : `${node.version} in ${node.image}, ${inMB(node.size)}`,
  })

const inMB = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`

/** Where set-up puts Node and npm, which the stack image is made of. */
export const runtimeOf = ({ opt }: InstancePaths): NodeRuntime => ({
  node: join(opt, 'node'),
  npm: join(opt, 'npm'),
})
