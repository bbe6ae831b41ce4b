import { z } from 'zod'

/** A buildpack's name as it is typed; it becomes a folder's. */
export const BuildpackName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'a buildpack name has lower-case letters, digits and hyphens')
  .describe('its name')
