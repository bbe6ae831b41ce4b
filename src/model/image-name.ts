import { z } from 'zod'

/** An image as a registry or the engine names it; which ones an app may use is for build/dockerfile.ts to say. */
export const ImageName = z
  .string()
  .max(255)
  .regex(/^[a-z0-9][\w./:@-]*$/, 'an image looks like node:22-bookworm-slim')
