import { shellQuote } from '../lib/shell-words.ts'
import { type Command } from './define.ts'
import { kebab } from './fields.ts'

export const shells = ['bash', 'zsh'] as const
export type Shell = (typeof shells)[number]

/**
 * A completion script made from the declarations: command names and flags are in it, so that a key press asks
 * no server; only the names of apps are asked for.
 */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return shell === 'bash' ? bash(commands) : zsh(commands)
}

type Entry = { word: string; summary: string }

function names(commands: readonly Command[]): Entry[] {
  const all = commands.flatMap(({ name, aliases = [], summary }) =>
    [name, ...aliases].map((word) => ({ word, summary })),
  )
  return [...all, { word: 'help', summary: 'explain a command or a topic' }]
}

function flags(command: Command): Entry[] {
  const own = Object.entries(command.flags).map(([name, schema]) => ({
    word: `--${kebab(name)}`,
    summary: schema.description ?? '',
  }))
  return [
    ...own,
    ...(command.app === 'none' ? [] : [{ word: '--app', summary: 'the app' }]),
    ...(command.result === undefined ? [] : [{ word: '--json', summary: 'print the result as JSON' }]),
    { word: '--help', summary: 'show the help' },
  ]
}

/** The words of a `case` pattern: a command's name and its aliases. */
const pattern = ({ name, aliases = [] }: Command): string => [name, ...aliases].join('|')

function bash(commands: readonly Command[]): string {
  const words = (entries: Entry[]): string => shellQuote(entries.map(({ word }) => word).join(' '))
  const cases = commands.map((command) => `        ${pattern(command)}) choices=${words(flags(command))} ;;`)
  return `# Completion of paas for bash; in ~/.bashrc: source <(paas completion bash)
_paas() {
  # bash splits words at colons, of which commands are full: look at the line itself.
  local line=\${COMP_LINE:0:COMP_POINT} choices=
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local count=\${#words[@]}
  local current=\${words[count - 1]} previous=\${words[count - 2]}
  if ((count == 2)) || [[ $count == 3 && $previous == help ]]; then
    choices=${words(names(commands))}
  else
    case $previous in
    -a | --app) choices=$(paas apps:list 2>/dev/null </dev/null) ;;
    *)
      if [[ $current == -* ]]; then
        case \${words[1]} in
${cases.join('\n')}
        esac
      fi
      ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${current%:*}:"}")
  fi
}
complete -o default -F _paas paas
`
}

function zsh(commands: readonly Command[]): string {
  const described = (entries: Entry[]): string =>
    entries.map(({ word, summary }) => shellQuote(`${word.replaceAll(':', '\\:')}:${summary}`)).join(' ')
  const cases = commands.map(
    (command) => `      ${pattern(command)}) choices=(${described(flags(command))}) ;;`,
  )
  return `#compdef paas
# Completion of paas for zsh; in ~/.zshrc, after compinit: source <(paas completion zsh)
_paas() {
  local -a choices
  if ((CURRENT == 2)) || [[ $CURRENT == 3 && $words[2] == help ]]; then
    choices=(${described(names(commands))})
    _describe command choices
  elif [[ $words[CURRENT-1] == (-a|--app) ]]; then
    choices=(\${(f)"$(paas apps:list 2>/dev/null </dev/null)"})
    compadd -a choices
  elif [[ $PREFIX == -* ]]; then
    case $words[2] in
${cases.join('\n')}
    esac
    _describe flag choices
  else
    _files
  fi
}
if [[ $funcstack[1] == _paas ]]; then _paas "$@"; else compdef _paas paas; fi
`
}
