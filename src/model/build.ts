import { z } from 'zod'

export const buildStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const

/** An attempt to make an image from a commit or from another image, and to put it live. */
export const Build = z.strictObject({
  /** Also the tag of its image. */
  id: z.string().regex(/^b[0-9a-z]{15}$/),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
  commit: z.string().optional(),
  /** Name of the image that it was made from, in place of a commit. */
  image: z.string().optional(),
  status: z.enum(buildStatuses),
  finishedAt: z.iso.datetime().optional(),
  /** The release that it became. */
  release: z.int().optional(),
  /** Why there is none. */
  reason: z.string().optional(),
})
export type Build = z.infer<typeof Build>
