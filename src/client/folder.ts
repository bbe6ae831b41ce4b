import { execFile } from 'node:child_process'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'

const mostFiles = 10_001

/** Files of which the text counts when a builder is looked for; of every other one only its name is sent. */
const isRead = (path: string, size: number): boolean =>
  size <= 256 * 1024 && (!path.includes('/') || /(?:^|\/)(?:package\.json|[^/]*dockerfile[^/]*)$/i.test(path))

/**
 * A folder as a tar that is enough to say how it would be built: all names that a commit of it would have, and the
 * texts of the few files that decide. The others are empty, so that a large folder is quick to send.
 */
export async function* outlineOf(folder: string): AsyncGenerator<Buffer> {
  let count = 0
  for await (const path of filesIn(folder)) {
    // The server refuses so many, and the folder may be a whole disk.
    if (++count > mostFiles) break
    const file = join(folder, path)
    const found = await lstat(file).catch(() => undefined)
    if (found?.isSymbolicLink() === true) yield header(path, { linkname: await readlink(file) })
    if (found?.isFile() !== true) continue
    const content = isRead(path, found.size) ? await readFile(file) : Buffer.alloc(0)
    yield header(path, { size: content.length })
    if (content.length > 0) yield Buffer.concat([content, Buffer.alloc(-content.length & 511)])
  }
  yield Buffer.alloc(1024)
}

/** What git would commit; in a folder that is no clone, all but what never belongs into one. */
async function* filesIn(folder: string): AsyncGenerator<string> {
  yield* (await gitFiles(folder)) ?? walk(folder, '')
}

async function* walk(folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch((cause: unknown) => {
    throw new PaasError('INVALID_INPUT', `The folder ${join(folder, prefix)} cannot be read.`, { cause })
  })
  for (const entry of entries) {
    const path = `${prefix}${entry.name}`
    if (!entry.isDirectory()) yield path
    else if (entry.name !== '.git' && entry.name !== 'node_modules') yield* walk(folder, `${path}/`)
  }
}

function gitFiles(folder: string): Promise<string[] | undefined> {
  const args = ['-C', folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
  return new Promise((resolve) => {
    execFile('git', args, { maxBuffer: 64 * 1024 ** 2 }, (error, stdout) =>
      resolve(error === null ? stdout.split('\0').filter((path) => path !== '') : undefined),
    )
  })
}

/** A header of the ustar format (POSIX.1-1988); none for a name that it has no room for. */
function header(path: string, { size = 0, linkname = '' }: { size?: number; linkname?: string }): Buffer {
  const [prefix, name] = fitted(path)
  if (name.length > 100 || prefix.length > 155 || Buffer.byteLength(linkname) > 100) return Buffer.alloc(0)
  const block = Buffer.alloc(512)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  name.copy(block, 0)
  block.write(octal(0o644, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(0, 11), 136)
  block.write(' '.repeat(8), 148)
  block.write(linkname === '' ? '0' : '2', 156)
  block.write(linkname, 157)
  block.write('ustar\x0000', 257)
  prefix.copy(block, 345)
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  )
  return block
}

/** A long path is kept in two fields, parted at a slash. */
function fitted(path: string): [prefix: Buffer, name: Buffer] {
  const whole = Buffer.from(path)
  if (whole.length <= 100) return [Buffer.alloc(0), whole]
  const slash = whole.indexOf('/', whole.length - 101)
  return slash < 0 ? [Buffer.alloc(0), whole] : [whole.subarray(0, slash), whole.subarray(slash + 1)]
}
