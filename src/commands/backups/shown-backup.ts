import { z } from 'zod'
import { type Backup, subjectName } from '../../model/backup.ts'
import { bytes } from '../services/fields.ts'

/** A backup as `--json` has it. */
export const ShownBackup = z.object({
  id: z.string(),
  of: z.string(),
  kind: z.string(),
  createdAt: z.string(),
  scheduled: z.boolean(),
  status: z.enum(['complete', 'failed']),
  reason: z.string().nullable(),
  bytes: z.int(),
  seconds: z.number(),
  copies: z.array(z.object({ store: z.string(), status: z.string(), reason: z.string().nullable() })),
  drill: z
    .object({
      at: z.string(),
      ok: z.boolean(),
      reason: z.string().nullable(),
      seconds: z.number(),
      counts: z.record(z.string(), z.int()),
    })
    .nullable(),
})
export type ShownBackup = z.infer<typeof ShownBackup>

export function shown({ drill, ...backup }: Backup): ShownBackup {
  return {
    id: backup.id,
    of: subjectName(backup.subject),
    kind: backup.subject.type === 'service' ? `${backup.subject.kind} ${backup.subject.version}` : 'storage',
    createdAt: backup.createdAt,
    scheduled: backup.scheduled,
    status: backup.status,
    reason: backup.reason ?? null,
    bytes: backup.parts.reduce((sum, part) => sum + part.bytes, 0),
    seconds: backup.seconds,
    copies: backup.copies.map(({ store, status, reason }) => ({ store, status, reason: reason ?? null })),
    drill: drill === undefined ? null : { ...drill, reason: drill.reason ?? null },
  }
}

/** One line of a list: what became of it, where copies are, and what its drill showed. */
export function row(backup: ShownBackup): string[] {
  const copies = backup.copies.map(({ store, status }) => (status === 'stored' ? store : `${store} FAILED`))
  return [
    backup.id,
    backup.of,
    backup.status === 'failed' ? `FAILED: ${firstLine(backup.reason)}` : bytes(backup.bytes),
    ['disk', ...copies].join(', '),
    proof(backup),
  ]
}

function proof({ status, drill }: ShownBackup): string {
  if (status === 'failed') return ''
  if (drill === null) return 'not proven'
  if (!drill.ok) return `NOT RESTORABLE: ${firstLine(drill.reason)}`
  const rows = Object.entries(drill.counts).filter(([name]) => /(?:^| )table /.test(name))
  const total = rows.reduce((sum, [, count]) => sum + count, 0)
  return rows.length > 0
    ? `proven: ${rows.length} tables, ${total} rows`
    : `proven: ${
        Object.entries(drill.counts)
          .map(([name, count]) => `${count} ${name}`)
          .join(', ') || 'empty'
      }`
}

const firstLine = (text: string | null): string => (text ?? '').split('\n')[0]!.slice(0, 120)
