import { cronType } from '../cron/run.ts'
import { type App } from '../model/app.ts'
import { type Image } from '../model/release.ts'
import { deployTasks } from './task.ts'

/**
 * Pure. What was set for process types that there are not in a source, so that it means nothing: warnings, each with the
 * command that takes it back.
 */
export function strandedSettings(
  { name, formation, limits = {}, checks = {} }: Pick<App, 'name' | 'formation' | 'limits' | 'checks'>,
  { processes, cron = [] }: Pick<Image, 'processes' | 'cron'>,
): string[] {
  const types: string[] = Object.keys(processes)
  const oneOffs: string[] = ['run', ...deployTasks, ...cron.map((entry) => cronType(entry.name))]
  const warnings = (what: string, strange: string[], takeBack: (type: string) => string): string[] =>
    strange.map((type) => `There is no process type ${type} to be ${what}: paas ${takeBack(type)}`)
  const lacking = (record: object, known: string[]): string[] =>
    Object.keys(record).filter((type) => !known.includes(type))
  const scaled = Object.fromEntries(Object.entries(formation).filter(([, quantity]) => quantity > 0))
  return [
    ...warnings('scaled', lacking(scaled, types), (type) => `scale -a ${name} ${type}=0`),
    ...warnings(
      'limited',
      lacking(limits, [...types, ...oneOffs]),
      (type) => `ps:type -a ${name} ${type}=default`,
    ),
    ...warnings('checked', lacking(checks, types), (type) => `checks:set -a ${name} ${type} --default`),
  ]
}
