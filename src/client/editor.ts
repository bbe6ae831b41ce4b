import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { shellWords } from '../lib/shell-words.ts'

/** Opens a text in the caller's editor (VISUAL, EDITOR, else vi) and gives it as it was left. */
export async function* editText(text: string): AsyncGenerator<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-'))
  const file = join(folder, 'config.env')
  try {
    await writeFile(file, text, { mode: 0o600 })
    await openEditor(file)
    yield await readFile(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function openEditor(file: string): Promise<void> {
  const { VISUAL: visual = '', EDITOR: editor = '' } = process.env
  const line = visual || editor || 'vi'
  const [program = 'vi', ...args] = shellWords(line)
  const child = spawn(program, [...args, file], { stdio: 'inherit' })
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  ).catch((cause: unknown) => {
    throw new PaasError('INVALID_INPUT', `The editor ${program} could not be started.`, {
      hint: 'Name yours: EDITOR=nano paas config:edit',
      cause,
    })
  })
  if (code !== 0)
    throw new PaasError('CANCELLED', `${program} ended with ${code ?? 'a signal'}; nothing was changed.`)
}
