/** Exit codes of every command: 0 done, then these. */
export const exitCodes = { failed: 1, usage: 2, notFound: 3, forbidden: 4, busy: 5 } as const

export type ErrorKind = keyof typeof exitCodes

/** All error codes, each with the kind that decides its exit code. */
export const errorCodes = {
  ALREADY_RUNNING: 'failed',
  APP_EXISTS: 'failed',
  APP_LOCKED: 'busy',
  APP_NOT_FOUND: 'notFound',
  BACKUP_CORRUPT: 'failed',
  BACKUP_FAILED: 'failed',
  BUILD_CANCELLED: 'failed',
  BUILD_FAILED: 'failed',
  BUILDPACK_INVALID: 'failed',
  CANCELLED: 'failed',
  CHECK_FAILED: 'failed',
  CONFIRMATION_REQUIRED: 'usage',
  CONTROLLER_UNREACHABLE: 'failed',
  DOCKER_FAILED: 'failed',
  DOCKER_UNREACHABLE: 'failed',
  DOMAIN_TAKEN: 'failed',
  FORBIDDEN: 'forbidden',
  INTERNAL: 'failed',
  INVALID_INPUT: 'usage',
  KEY_EXISTS: 'failed',
  NODE_TOO_OLD: 'failed',
  NOT_FOUND: 'notFound',
  PUSH_REFUSED: 'failed',
  RELEASE_FAILED: 'failed',
  SERVER_UNKNOWN: 'usage',
  ROUTER_UNREACHABLE: 'failed',
  SERVICE_EXISTS: 'failed',
  SERVICE_FAILED: 'failed',
  SERVICE_IN_USE: 'failed',
  SERVICE_NOT_FOUND: 'notFound',
  SOURCE_REFUSED: 'failed',
  SSH_FAILED: 'failed',
  STATE_CORRUPT: 'failed',
  STATE_NEWER: 'failed',
  STATE_UNREACHABLE: 'failed',
  START_FAILED: 'failed',
  UNKNOWN_COMMAND: 'usage',
  UPGRADE_FAILED: 'failed',
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorCodes

/**
 * The one error that people see: what happened, and the command to run next.
 * Anything else that is thrown is a defect and is reported as INTERNAL.
 */
export class PaasError extends Error {
  override readonly name = 'PaasError'
  readonly code: ErrorCode
  /** What to do next, usually a command; undefined where the message says it all. */
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }

  get exitCode(): number {
    return exitCodes[errorCodes[this.code]]
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
