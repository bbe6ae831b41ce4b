/** What the router says about itself, one line each, to stderr. */
export type Logger = {
  info(message: string): void
  warn(message: string): void
  /** Says the same thing at most once a minute, and a hundred things at most. */
  warnOnce(message: string): void
}

const minuteMs = 60_000
const most = 100

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
      // In the order in which they were said.
      for (const [one, at] of said) {
        if (now - at < minuteMs) break
        said.delete(one)
      }
      if (said.has(message) || said.size === most) return
      said.set(message, now)
      line('warn', message)
      if (said.size === most) line('warn', 'there is more, which is not told for a minute')
    },
  }
}
