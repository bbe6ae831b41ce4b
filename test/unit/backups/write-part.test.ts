import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { constants, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { writePart } from '../../../src/backups/files.ts'
import { unseal } from '../../../src/lib/sealed-stream.ts'

const folder = await mkdtemp(join(tmpdir(), 'paas-part-'))
afterAll(() => rm(folder, { recursive: true }))
const key = { id: '00000000', bytes: randomBytes(32) }

/** The end of a pipe that `content` is printed into by another process, in pieces as they happen to come. */
function pipeOf(content: Buffer, number: number): number {
  const fifo = join(folder, `fifo-${number}`)
  spawnSync('mkfifo', [fifo])
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  spawn('sh', ['-c', 'exec cat > "$1"', 'print', fifo], { stdio: ['pipe', 'ignore', 'inherit'] }).stdin.end(
    content,
  )
  return fd
}

describe('a part', () => {
  it.each([1, 65_535, 65_536, 65_537, 16 * 65_536, 20_000_000])(
    'of %i bytes is written as it came, with its checksum',
    async (size) => {
      const content = randomBytes(size)
      const { bytes, sha256 } = await writePart(folder, size, pipeOf(content, size), key)
      const written = await readFile(join(folder, `${size}.sealed`))
      expect(bytes).toBe(written.length)
      expect(sha256).toBe(createHash('sha256').update(written).digest('hex'))
      const opened = await Array.fromAsync(
        unseal(
          (async function* () {
            yield written
          })(),
          key.bytes,
        ),
      )
      expect(Buffer.concat(opened).equals(content)).toBe(true)
    },
  )

  it('fails where its file cannot be written', async () => {
    const missing = join(folder, 'missing')
    await expect(writePart(missing, 0, pipeOf(randomBytes(100), 0), key)).rejects.toThrow('ENOENT')
  })
})
