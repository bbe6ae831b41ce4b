import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Report } from './step.ts'

/** Runs a program and reports each line of its output as it comes. Resolves to its exit code. */
export async function streamed(
  program: string,
  args: string[],
  report: Report,
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<number> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.env && { env: options.env }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output, crlfDelay: Infinity }).on('line', (line) => report(line.trimEnd()))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}
