import { type Command } from './define.ts'
import { table } from './render.ts'

/** `config` of `config:set`; a command without a topic is its own. */
export const topicOf = (name: string): string => name.split(':')[0]!

/** What `paas help` prints: every topic with its commands' summaries. */
export function overview(commands: readonly Command[]): string {
  const topics = Map.groupBy(commands, (command) => topicOf(command.name))
  const sections = [...topics.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => listing(members))
    .join('\n')
  return `Usage: paas COMMAND [-a APP] [arguments]

${sections}
More about one: paas help COMMAND, or paas help TOPIC.
`
}

/** What `paas help config` prints: the commands of a topic with examples; undefined where there is no topic. */
export function topicHelp(commands: readonly Command[], topic: string): string | undefined {
  const members = commands.filter(({ name }) => topicOf(name) === topic)
  if (members.length === 0 || (members.length === 1 && members[0]!.name === topic)) return undefined
  const examples = members.flatMap((command) => command.examples.map((line) => `  ${line}`))
  return `${listing(members)}
Examples:
${examples.join('\n')}
`
}

function listing(commands: readonly Command[]): string {
  return table(commands.map(({ name, summary }) => [`  ${name}`, summary]))
}
