/** One message of a stream of the engine (build, pull, import), as far as we read it. */
export type EngineMessage = {
  id?: string
  aux?: string | { ID?: string }
  /** To be left out by a later engine (API 1.48): `errorDetail` says the same. */
  error?: string
  errorDetail?: { message?: string }
  status?: string
}

/** Why the engine gave up, in the stream of an answer that began well; undefined while it goes on. */
export const errorIn = ({ error, errorDetail }: EngineMessage): string | undefined =>
  errorDetail?.message ?? error

/** The engine's streams are JSON objects, one a line. Throws when the stream breaks off or is destroyed. */
export async function* jsonLines<T = EngineMessage>(stream: NodeJS.ReadableStream): AsyncGenerator<T> {
  let rest = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T
}
