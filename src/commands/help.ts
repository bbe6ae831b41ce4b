import { type Command } from './define.ts'
import { table } from './render.ts'
import { byTopic, topicOf, topics } from './topics.ts'

/** What `paas help` prints: every topic with its commands' summaries. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const sections = byTopic(commands).map(([topic, members]) => listing(topic, members, width))
  return `Usage: paas COMMAND [-a APP] [arguments]

${sections.join('\n')}
More: paas help TOPIC, or paas help COMMAND. On a server; with \`ssh paas@host COMMAND\`; or on a laptop in a
clone with a remote named paas. A new version of paas itself, on the server: sudo paas upgrade --help.
`
}

/** What `paas help config` prints: the commands of a topic with examples; undefined where there is no topic. */
export function topicHelp(commands: readonly Command[], topic: string): string | undefined {
  const members = commands.filter((command) => topicOf(command) === topic)
  if (members.length === 0 || (members.length === 1 && members[0]!.name === topic)) return undefined
  const examples = members.flatMap((command) => command.examples.map((line) => `  ${line}\n`))
  return `${listing(topic, members)}\nExamples:\n${examples.join('')}`
}

function listing(topic: string, commands: readonly Command[], width = 0): string {
  const about = topics[topic as keyof typeof topics] as string | undefined
  const title = about === undefined ? topic : about.charAt(0).toUpperCase() + about.slice(1)
  return `${title}\n${table(commands.map(({ name, summary }) => [`  ${name.padEnd(width)}`, summary]))}`
}
