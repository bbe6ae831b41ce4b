/** Where a server of ours is, and which app a remote names. */
export type Server = { user: string; host: string; port?: number }
export type Remote = Server & { app?: string }

const defaultUser = 'paas'

/**
 * Reads a git remote's URL: `ssh://user@host:port/app` or `user@host:app`, the app with or without `.git`.
 * Undefined for what is not SSH, or could be taken for an option by ssh.
 */
export function parseRemoteUrl(url: string): Remote | undefined {
  const full = /^ssh:\/\/(?:([^@/]+)@)?(\[[0-9a-fA-F:.]+\]|[^:/@[\]]+)(?::(\d{1,5}))?\/(.*)$/.exec(url)
  const short = /^(?:([^@/:]+)@)?(\[[0-9a-fA-F:.]+\]|[^:/@[\]]+):(?!\/\/)(.*)$/.exec(url)
  const found =
    full !== null
      ? [full[1], full[2], full[3], full[4]]
      : short !== null
        ? [short[1], short[2], undefined, short[3]]
        : undefined
  if (found === undefined) return undefined
  const [user = defaultUser, host = '', port, path = ''] = found
  const server = checked(user, host, port)
  if (server === undefined) return undefined
  const app = path.replace(/^\//, '').replace(/\.git$/, '')
  return { ...server, ...(app !== '' && { app }) }
}

/** Reads PAAS_HOST (`host`, `user@host`, `host:port`) and PAAS_PORT. */
export function parseHost(text: string, port?: string): Server | undefined {
  const found = /^(?:([^@]+)@)?(\[[0-9a-fA-F:.]+\]|[^:@[\]]+)(?::(\d{1,5}))?$/.exec(text)
  return found === null ? undefined : checked(found[1] ?? defaultUser, found[2]!, port ?? found[3])
}

function checked(user: string, host: string, port: string | undefined): Server | undefined {
  const plain = host.replace(/^\[|\]$/g, '')
  const number = port === undefined ? undefined : Number(port)
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(user) || !/^[A-Za-z0-9:][A-Za-z0-9_.:-]*$/.test(plain))
    return undefined
  if (number !== undefined && !(Number.isInteger(number) && number >= 1 && number <= 65_535)) return undefined
  return { user, host: plain, ...(number !== undefined && { port: number }) }
}
