// Prints what failed of a run, from the report of vitest's JSON reporter: `node test/support/failed-tests.ts FILE`.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { z } from 'zod'

const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
})

for (const file of report.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))).testResults) {
  const name = path.relative(process.cwd(), file.name)
  if (file.message !== '') console.log(`\nFAILED ${name}\n${file.message}`)
  for (const { fullName, status, failureMessages } of file.assertionResults) {
    if (status === 'failed')
      console.log(`\nFAILED ${name} > ${fullName}\n${failureMessages?.join('\n') ?? ''}`)
  }
}
