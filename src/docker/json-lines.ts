/** One message of a stream of the engine (build, pull, import), as far as we read it. */
export type EngineMessage = {
  id?: string
  aux?: string | { ID?: string }
  error?: string
  status?: string
}

/** The engine's streams are JSON objects, one a line. */
export async function* jsonLines(stream: NodeJS.ReadableStream): AsyncGenerator<EngineMessage> {
  let rest = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as EngineMessage
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as EngineMessage
}
