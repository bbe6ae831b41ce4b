import { appendFileSync } from 'node:fs'

/** Says what was measured: what docs/reliability.md is written from. PAAS_FAULTS_REPORT names a file to keep it in. */
export function measured(fault: string, figures: Record<string, unknown>): void {
  const line = JSON.stringify({ fault, ...Object.fromEntries(Object.entries(figures).flatMap(shown)) })
  console.log(line)
  const file = process.env['PAAS_FAULTS_REPORT']
  if (file !== undefined) appendFileSync(file, `${line}\n`)
}

/** Whole numbers; of the requests that failed, how many. */
function shown([name, value]: [string, unknown]): [string, number][] {
  if (name === 'failures' && Array.isArray(value)) return [['failed', value.length]]
  return typeof value === 'number' ? [[name, Math.round(value)]] : []
}
