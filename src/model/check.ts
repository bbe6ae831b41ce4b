import { z } from 'zod'

const path = z.string().regex(/^\/[!-~]*$/, 'a path starts with / and has no spaces')

/**
 * One startup or liveness check of a process type, from app.json `healthchecks.<type>` (Heroku's and Dokku's
 * keys). Times are seconds.
 */
export const Check = z.object({
  type: z.enum(['startup', 'liveness']).default('startup'),
  name: z.string().optional(),
  /** HTTP request to this path; the answer must be `status` (default: 200 to 399). */
  path: path.optional(),
  port: z.int().min(1).max(65_535).optional(),
  status: z.int().min(100).max(599).optional(),
  /** Text that the body must contain. */
  content: z.string().optional(),
  httpHeaders: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  /** Command run in the container; exit code 0 is healthy. */
  command: z.array(z.string()).min(1).optional(),
  attempts: z.int().min(1).max(1000).default(30),
  timeout: z.number().positive().max(600).default(5),
  wait: z.number().min(0).max(600).default(1),
  initialDelay: z.number().min(0).max(3600).default(0),
  /** Stays up this long without exiting. */
  uptime: z.number().min(0).max(3600).optional(),
})
export type Check = z.infer<typeof Check>

/** `1 attempt`, `30 attempts`. */
export const attemptsOf = (count: number): string => `${count} attempt${count === 1 ? '' : 's'}`
