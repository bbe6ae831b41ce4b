import { execFile } from 'node:child_process'

/** What a finished program said. `code` is 127 where it could not be started, 128 where a signal ended it. */
export type Finished = { code: number; stdout: string; stderr: string }

/** Runs a program to its end, without a shell and with stdin closed; never throws for its exit code. */
export function run(
  program: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; timeoutMs?: number } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        encoding: 'utf8',
        maxBuffer: 16 * 1024 * 1024,
        ...(options.env && { env: options.env }),
        ...(options.cwd !== undefined && { cwd: options.cwd }),
        ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : error.code ? 127 : 128
        resolve({ code, stdout, stderr: code === 127 ? `${stderr}${error!.message}` : stderr })
      },
    )
    child.stdin?.end()
  })
}

/** The same, where only success will do; throws with the program's last words. */
export async function runOrThrow(...args: Parameters<typeof run>): Promise<string> {
  const finished = await run(...args)
  if (finished.code === 0) return finished.stdout
  const words = (finished.stderr.trim() || finished.stdout.trim()).split('\n').slice(-5).join('\n')
  throw new Error(`${args[0]} ${args[1].join(' ')} failed (exit ${finished.code}): ${words}`)
}
