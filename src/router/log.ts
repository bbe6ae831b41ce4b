/** What the router says about itself, one line each, to stderr. */
export type Logger = {
  info(message: string): void
  warn(message: string): void
  /** Says the same thing at most once a minute. */
  warnOnce(message: string): void
}

export function routerLogger(name: string): Logger {
  const said = new Map<string, number>()
  // Nobody may be reading any more, which is no reason to end.
  process.stderr.on('error', () => undefined)
  const line = (level: string, message: string): void => {
    process.stderr.write(`${new Date().toISOString()} ${level} ${name}: ${message}\n`)
  }
  return {
    info: (message) => line('info', message),
    warn: (message) => line('warn', message),
    warnOnce: (message) => {
      const now = performance.now()
      if (now - (said.get(message) ?? -Infinity) < 60_000) return
      if (said.size > 100) said.clear()
      said.set(message, now)
      line('warn', message)
    },
  }
}
