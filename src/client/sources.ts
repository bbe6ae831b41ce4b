import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { Request } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'

/** Where stdin comes from, and whether files that the command line names may be sent instead. */
export type Sources = { stdin: () => Readable; files: boolean }

export const ownSources: Sources = { stdin: () => process.stdin, files: true }

/** A server is given no file but those that the caller named to it. */
export function namedFile(path: string, request: Request, sources: Sources): Readable {
  const names = (word: string): boolean => word === path || word.endsWith(`=@${path}`)
  const named = request.kind === 'command' && request.argv.some(names)
  if (named && sources.files) return createReadStream(path)
  throw new PaasError('INVALID_INPUT', `The file ${JSON.stringify(path)} is not read here.`, {
    hint: 'Send it on stdin instead: - in place of its name, and < FILE.',
  })
}

/** A server starts an editor on a caller's own machine only. */
export function edited(text: string, sources: Sources): Readable {
  if (sources.files && process.stdin.isTTY) return Readable.from(editedText(text), { objectMode: false })
  throw new PaasError('INVALID_INPUT', 'There is no terminal of your own here for an editor.', {
    hint: 'On your machine: paas config:edit. Elsewhere: paas config:export, and paas config:import.',
  })
}

/** Loaded when it is needed, as what it imports is slow to start with. */
async function* editedText(text: string): AsyncGenerator<Buffer> {
  const { editText } = await import('./editor.ts')
  yield* editText(text)
}

/** A server is given no commit but one that the caller named to it, or the current one. */
export function archived(ref: string, request: Request, sources: Sources): Readable {
  const named = request.kind === 'command' && (ref === 'HEAD' || request.argv.includes(ref))
  if (named && sources.files) return Readable.from(archivedFiles(ref), { objectMode: false })
  throw new PaasError('INVALID_INPUT', 'There is no repository of yours here.', {
    hint: 'Send a tar on stdin: git archive main | ssh paas@host deploy -a APP --plan -',
  })
}

/** Loaded when it is needed, as is the editor. */
async function* archivedFiles(ref: string): AsyncGenerator<Buffer> {
  const { archiveOf } = await import('./archive.ts')
  yield* archiveOf(ref)
}

/** A server is shown no folder but one that the caller named to it, or the current one. */
export function outlined(path: string, request: Request, sources: Sources): Readable {
  const named = request.kind === 'command' && (path === '.' || request.argv.includes(path))
  if (named && sources.files) return Readable.from(outlinedFolder(path), { objectMode: false })
  throw new PaasError('INVALID_INPUT', 'There is no folder of yours here.', {
    hint: 'Send a tar on stdin: git archive main | ssh paas@host buildpacks:detect -',
  })
}

/** Loaded when it is needed, as is the editor. */
async function* outlinedFolder(path: string): AsyncGenerator<Buffer> {
  const { outlineOf } = await import('./folder.ts')
  yield* outlineOf(path)
}
