import { type ListeningSocket } from '../lib/listening-sockets.ts'

export type Facts = {
  exit: { code: number; oomKilled: boolean } | undefined
  port: number
  listening: ListeningSocket[]
  lastLines: string[]
}

/** Likely causes of a container that does not become healthy, most certain first, each with what to do. Pure. */
export function diagnose({ exit, port, listening, lastLines }: Facts): string[] {
  const text = lastLines.join('\n')
  const causes: string[] = []
  if (exit?.oomKilled === true) {
    causes.push(
      'It was killed because it used more memory than its limit: give it more, or make it use less.',
    )
  }
  if (exit === undefined) {
    const here = listening.filter((socket) => socket.port === port)
    const others = [
      ...new Set(listening.filter((socket) => socket.port !== port).map((socket) => socket.port)),
    ]
    if (here.length > 0 && here.every((socket) => socket.loopback)) {
      causes.push(`It listens on 127.0.0.1:${port}, which only itself can reach: listen on 0.0.0.0.`)
    } else if (here.length === 0 && others.length > 0) {
      causes.push(
        `It listens on port ${others.join(' and ')}, not ${port}: listen on the port in the variable PORT.`,
      )
    } else if (listening.length === 0) {
      causes.push(
        `It listens on no port: a web process listens on 0.0.0.0 and the port in the variable PORT.`,
      )
    }
  }
  const missing =
    /(?:KeyError: '([A-Z][A-Z0-9_]+)'|(?:missing|undefined|required|not set|must be set)[^\n]*?\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b[^\n]*?(?:missing|undefined|required|not set|must be set))/i.exec(
      text,
    )
  const variable = missing?.[1] ?? missing?.[2] ?? missing?.[3]
  if (variable !== undefined && variable === variable.toUpperCase()) {
    causes.push(`The variable ${variable} seems to be missing: paas config:set ${variable}=…`)
  }
  if (exit?.code === 127) causes.push('Exit code 127: the command was not found in the image.')
  if (exit?.code === 126) causes.push('Exit code 126: the command was found but is not executable.')
  const module = /Cannot find (?:module|package) '([^'/.][^']*)'|No module named '?([\w.]+)/.exec(text)
  if (module) {
    causes.push(
      `The module ${(module[1] ?? module[2])!} is not installed: is it among the dependencies (not the dev ones)?`,
    )
  }
  return causes
}
