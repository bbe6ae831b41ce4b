import { z } from 'zod'
import { type Command } from './define.ts'
import { isOptional, isRepeated, isSwitch, kebab } from './fields.ts'
import { jsonShape } from './json-shape.ts'
import { byTopic, topics } from './topics.ts'

/** The reference in docs/commands, made of the declarations alone: file name → Markdown. */
export function reference(commands: readonly Command[]): Map<string, string> {
  const grouped = byTopic(commands)
  const pages = grouped.map(([topic, members]): [string, string] => [`${topic}.md`, page(topic, members)])
  return new Map([['README.md', index(grouped)], ...pages])
}

const notice = '<!-- Made by `npm run docs` from the declarations in src/commands; changes go there. -->\n'

function index(grouped: [string, Command[]][]): string {
  const sections = grouped.map(([topic, members]) => {
    const rows = members.map(
      ({ name, summary }) => `| [${name}](${topic}.md#${anchor(name)}) | ${cell(summary)} |\n`,
    )
    return `## ${title(topic)}\n\n| Command | |\n| --- | --- |\n${rows.join('')}`
  })
  return `${notice}# Commands

Each works on the server as \`paas COMMAND\`, from anywhere as \`ssh paas@HOST COMMAND\`, and on a laptop as
\`paas COMMAND\` in a clone whose remote is named \`paas\`. \`-a APP\` names the app; in such a clone it may be left
out. Results are on stdout, progress and problems on stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not
found, 4 forbidden, 5 busy.

${sections.join('\n')}`
}

function page(topic: string, members: Command[]): string {
  return `${notice}# ${title(topic)}\n\n${members.map(section).join('\n')}`
}

function section(command: Command): string {
  const { name, summary, description, aliases = [], access, examples, result } = command
  const facts = [
    ...(aliases.length === 0 ? [] : [`Also: ${aliases.map((alias) => `\`${alias}\``).join(', ')}.`]),
    `Needs the role ${access}.`,
  ]
  const parts = [
    `## ${name}\n`,
    `${capital(summary)}. ${facts.join(' ')}\n`,
    ...(description === undefined ? [] : [`${description}\n`]),
    `\`\`\`\n${usage(command)}\n\`\`\`\n`,
    ...fieldTable(command),
    `\`\`\`\n${examples.join('\n')}\n\`\`\`\n`,
    ...(result === undefined
      ? []
      : [`With \`--json\`:\n\n\`\`\`ts\n${jsonShape(z.toJSONSchema(result))}\n\`\`\`\n`]),
  ]
  return parts.join('\n')
}

/** `paas config:set -a APP [--no-restart] PAIRS…` */
export function usage({ name, app, flags, args, result }: Command): string {
  const words = [
    'paas',
    name,
    ...(app === 'required' ? ['-a APP'] : app === 'optional' || app === 'known' ? ['[-a APP]'] : []),
    ...Object.entries(flags).map(([flag, schema]) => `[${flagWord(flag, schema)}]`),
    ...(result === undefined ? [] : ['[--json]']),
    ...Object.entries(args).map(([arg, schema]) => {
      const word = `${kebab(arg).toUpperCase()}${isRepeated(schema) ? '…' : ''}`
      return isOptional(schema) ? `[${word}]` : word
    }),
  ]
  return words.join(' ')
}

function fieldTable({ args, flags }: Command): string[] {
  const rows = [
    ...Object.entries(args).map(([name, schema]) => row(kebab(name).toUpperCase(), schema)),
    ...Object.entries(flags).map(([name, schema]) => {
      const { short } = (schema.meta() ?? {}) as { short?: string }
      return row(`${short === undefined ? '' : `-${short}, `}${flagWord(name, schema)}`, schema)
    }),
  ]
  return rows.length === 0 ? [] : [`| | |\n| --- | --- |\n${rows.join('')}`]
}

function flagWord(name: string, schema: z.ZodType): string {
  const { value } = (schema.meta() ?? {}) as { value?: string }
  return `--${kebab(name)}${isSwitch(schema) ? '' : ` ${(value ?? 'value').toUpperCase()}`}`
}

const row = (word: string, { description }: z.ZodType): string =>
  `| \`${word}\` | ${cell(description ?? '')} |\n`

/** A | would end the cell, and what looks like a tag would be one. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

/** As GitHub makes them: punctuation goes, so `config:set` is found at `#configset`. */
const anchor = (name: string): string => name.replaceAll(':', '')

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const title = (topic: string): string => capital((topics as Record<string, string>)[topic] ?? topic)
