import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bootstrapDebian } from '../../../src/build/bootstrap-debian.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-bootstrap-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('Debian’s keys are named, as apt of another distribution does not have them', async () => {
  const program = join(folder, 'mmdebstrap')
  await writeFile(program, '#!/bin/sh\nprintf "%s\\n" "$1" "$2" >&2\nexit 1\n')
  await chmod(program, 0o755)
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`)
  const onLine = () => undefined
  const options = {
    suite: 'trixie',
    folder,
    certificates: undefined,
    onLine,
    signal: new AbortController().signal,
  }
  await expect(bootstrapDebian(options)).rejects.toMatchObject({
    message: expect.stringContaining('--keyring=/usr/share/keyrings/debian-archive-keyring.gpg') as string,
  })
})
