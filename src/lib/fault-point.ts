import { readFileSync, rmSync } from 'node:fs'

/**
 * For tests of crashes: where the file names the stage that begins, or another event that happens (`image:built`),
 * it is removed and this process kills itself, once. Without a file name nothing is ever looked at.
 */
export function faultPoint(file: string | undefined): (event: { type: string; stage?: string }) => void {
  if (file === undefined) return () => undefined
  return ({ type, stage }) => {
    if (read(file) !== (stage ?? type)) return
    rmSync(file)
    process.kill(process.pid, 'SIGKILL')
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}
