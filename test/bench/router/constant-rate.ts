import { Agent, request } from 'node:http'

/** Milliseconds; `late`: by how much requests were sent after their time, p99. */
export type Figures = { p50: number; p99: number; most: number; late: number }

/** Requests at a constant rate, timed from when each was sent. Throws where one fails. */
export async function requestsAt(
  { seconds, perSecond }: { seconds: number; perSecond: number },
  port: number,
  host: string,
): Promise<Figures> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8, scheduling: 'fifo' })
  const [latencies, delays]: [number[], number[]] = [[], []]
  const running = new Set<Promise<void>>()
  const began = performance.now()
  for (let sent = 0; sent < seconds * perSecond;) {
    const due = began + (sent * 1000) / perSecond
    if (performance.now() < due) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      continue
    }
    sent++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const from = performance.now()
    delays.push(from - due)
    request({ host: '127.0.0.1', port, headers: { host }, agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
      response.resume().once('end', () => {
        latencies.push(performance.now() - from)
        resolve()
      })
    })
      .once('error', reject)
      .end()
    running.add(promise)
  }
  await Promise.all(running)
  agent.destroy()
  const at = (all: number[], share: number): number =>
    all.toSorted((a, b) => a - b)[Math.ceil(all.length * share) - 1]!
  return { p50: at(latencies, 0.5), p99: at(latencies, 0.99), most: at(latencies, 1), late: at(delays, 0.99) }
}
