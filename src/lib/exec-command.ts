/**
 * A shell command line whose last command takes the shell's place, so that signals reach it: `sh -c 'node .'`
 * stays between on Debian, and a SIGTERM would end the shell and, with it, the container. A line whose end is
 * not one plain command (a pipe, a group, something in the background, a loop) is left as it is.
 */
export function execCommand(line: string): string {
  const start = lastCommand(line)
  if (start === undefined) return line
  const command = line.slice(start).trimStart()
  const word = /^(?:[A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|[^\s"'])*\s+)*([^\s=]+)(?=\s|$)/.exec(command)
  if (word?.[1] === undefined || notPrograms.has(word[1]) || /^[!{}\[#]/.test(word[1])) return line
  const at = line.length - command.length + word[0].length - word[1].length
  return `${line.slice(0, at)}exec ${line.slice(at)}`
}

/** What only a shell knows: keywords and builtins that have no program of their own, or that many images lack. */
const notPrograms = new Set(
  (
    '. : alias bg break case cd command continue do done elif else esac eval exec exit export fg fi for function ' +
    'getopts hash if in jobs kill local read readonly return select set shift source then time times trap type ' +
    'ulimit umask unalias unset until wait while'
  ).split(' '),
)

/** Where the last command of a list (`&&`, `;`, newline) starts; undefined where the line is not such a list. */
function lastCommand(line: string): number | undefined {
  let start = 0
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!
    if (char === '\\' && quote !== "'") i++
    else if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '&' && line[i + 1] === '&') start = ++i + 1
    else if (char === ';' || char === '\n') start = i + 1
    // `2>&1` redirects; any other & puts something in the background.
    else if (char === '&' && line[i - 1] !== '>' && line[i - 1] !== '<') return undefined
    else if ('|()`'.includes(char) || (char === '<' && line[i + 1] === '<')) return undefined
    else if (char === '#' && (i === 0 || /\s/.test(line[i - 1]!))) return undefined
  }
  const rest = line.slice(start).trim()
  const opens = /(?:^|[;&\s])(?:if|case|for|while|until|\{)(?=\s)/.test(line)
  return quote !== '' || rest === '' || opens ? undefined : start
}
