import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const own = join(import.meta.dirname, '../../../src/router/string-methods.ts')

/** Whether V8 keeps String.prototype so that methods are found without a search, after `script`. */
async function fastAfter(script: string): Promise<boolean> {
  const { stdout } = await run(
    process.execPath,
    [
      '--allow-natives-syntax',
      '--input-type=module',
      '--eval',
      `${script}\nconsole.log(%HasFastProperties(String.prototype))`,
    ],
    { cwd: import.meta.dirname },
  )
  return stdout.trim() === 'true'
}

test('string methods are as fast with ioredis as without', async () => {
  expect(await fastAfter('')).toBe(true)
  // Once this is true, string-methods.ts can go.
  expect(await fastAfter("await import('ioredis')")).toBe(false)
  const quicken = `const { quickenStringMethods } = await import(${JSON.stringify(own)})\nquickenStringMethods()`
  expect(await fastAfter(`await import('ioredis')\n${quicken}`)).toBe(true)
})
