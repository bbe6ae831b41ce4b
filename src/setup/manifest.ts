import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type InstancePaths } from '../lib/paths.ts'

/**
 * What set-up did outside the instance's own folders, one `kind value` per line, so that --uninstall takes
 * back that and nothing else. Lines, not JSON: `bin/setup` appends to it before any Node is there.
 */
export const manifestKinds = ['package', 'user', 'file', 'dockerd'] as const
export type ManifestKind = (typeof manifestKinds)[number]

export function manifestPath(paths: InstancePaths): string {
  return join(paths.etc, 'installed')
}

export async function recorded(paths: InstancePaths, kind: ManifestKind): Promise<string[]> {
  return valuesOf(await readFile(manifestPath(paths), 'utf8').catch(() => ''), kind)
}

/** Notes it once. To be called before it is done: what is noted and was not done is nothing to take back. */
export async function record(paths: InstancePaths, kind: ManifestKind, value: string): Promise<void> {
  if ((await recorded(paths, kind)).includes(value)) return
  await mkdir(paths.etc, { recursive: true })
  await appendFile(manifestPath(paths), `${kind} ${value}\n`, { mode: 0o644 })
}

/** The values of one kind, each once, in the order of their recording. Pure. */
export function valuesOf(manifest: string, kind: ManifestKind): string[] {
  const prefix = `${kind} `
  const values = manifest
    .split('\n')
    .flatMap((line) => (line.startsWith(prefix) ? [line.slice(prefix.length)] : []))
  return [...new Set(values)]
}
