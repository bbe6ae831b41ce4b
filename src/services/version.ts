/** `17.12`: the first number of what a server's program says of itself. Pure. */
export const versionIn = (text: string): string => /\d+(?:\.\d+)+/.exec(text)?.[0] ?? text.trim().slice(0, 32)
