import { z } from 'zod'
import { ServiceName } from '../../model/service.ts'

/** The service that a command is about. */
export const name = ServiceName.describe('the service')

/** The name of one that is to be. */
export const newName = ServiceName.describe('lower-case letters, digits and hyphens')

const units = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const

/** `512m`, `1g`: bytes. */
export const memory = z.string().transform((text, context) => {
  const match = /^(\d{1,9})([kmg]?)b?$/i.exec(text)
  if (match !== null) return Number(match[1]) * units[match[2]!.toLowerCase() as keyof typeof units]
  context.addIssue('give an amount of memory: 512m, 1g')
  return z.NEVER
})

/** `512 MB`. */
export const bytes = (count: number): string => {
  const power = Math.min(4, Math.floor(Math.log2(Math.max(1, count)) / 10))
  const value = count / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${['B', 'KB', 'MB', 'GB', 'TB'][power]!}`
}

/** `NAME=value` words. */
export const pairs = z
  .array(z.string().regex(/^[^=]+=/, 'a setting is NAME=value'))
  .transform((words) =>
    Object.fromEntries(
      words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
    ),
  )
