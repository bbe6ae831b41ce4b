import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { jsonShape } from '../../../src/commands/json-shape.ts'
import { reference } from '../../../src/commands/reference.ts'
import { commands } from '../../../src/commands/registry.ts'

const folder = join(import.meta.dirname, '../../../docs/commands')

test('docs/commands is what the declarations say; `npm run docs` makes it so', async () => {
  const wanted = Object.fromEntries(reference(commands))
  const found = Object.fromEntries(
    await Promise.all(
      (await readdir(folder)).map(
        async (name) => [name, await readFile(join(folder, name), 'utf8')] as const,
      ),
    ),
  )
  expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort())
  for (const [name, text] of Object.entries(wanted)) expect(found[name], name).toBe(text)
})

test('links of the index lead to a heading', () => {
  const pages = reference(commands)
  const links = [...pages.get('README.md')!.matchAll(/\]\(([^)#]+)#([^)]+)\)/g)]
  expect(links).toHaveLength(commands.length)
  for (const [, file, anchor] of links) {
    const headings = [...pages.get(file!)!.matchAll(/^## (.*)$/gm)].map(([, text]) =>
      text!.replaceAll(':', ''),
    )
    expect(headings, file).toContain(anchor)
  }
})

test('a result is shown as a type', () => {
  const schema = z.object({
    name: z.string(),
    counts: z.record(z.string(), z.int()),
    state: z.enum(['up', 'down']).nullable(),
    parts: z.array(z.object({ id: z.int(), note: z.string().optional() })),
    tags: z.array(z.union([z.string(), z.int()])),
  })
  expect(jsonShape(z.toJSONSchema(schema))).toBe(`{
  name: string
  counts: Record<string, number>
  state: "up" | "down" | null
  parts: {
    id: number
    note?: string
  }[]
  tags: (string | number)[]
}`)
})
