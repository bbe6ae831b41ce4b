import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { modes, startPlane } from './lane.ts'

const clients = 40
const rounds = 60
const answerHead = /^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)*?Content-Length: (\d+)\r\n(?:[^\r]+\r\n)*\r\n/i

type Question = { bytes: string; answer: string }

/** Up to five requests in a row, with and without bodies; the answer says which it is of, and is as long as asked. */
function questions(client: number, round: number): Question[] {
  return Array.from({ length: 1 + ((round + client) % 5) }, (_, i) => {
    const size = [0, 5, 100, 3000, 30_000][(round + i) % 5]!
    const body = [0, 10, 2000, 20_000][(round * 3 + i) % 4]!
    const target = `/${client}/${round}/${i}/${size}`
    const head = `${body === 0 ? 'GET' : 'POST'} ${target} HTTP/1.1\r\nHost: good.test\r\n`
    return {
      bytes: body === 0 ? `${head}\r\n` : `${head}Content-Length: ${body}\r\n\r\n${'b'.repeat(body)}`,
      answer: `${target} ${body} ${'z'.repeat(size)}`,
    }
  })
}

/** Asks round after round on one connection; throws at the first answer that is not the one that is due. */
async function converse(port: number, client: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let text = ''
  for (let round = 0; round < rounds; round += 1) {
    const asked = questions(client, round)
    socket.write(asked.map(({ bytes }) => bytes).join(''))
    for (const { answer } of asked) {
      let head = answerHead.exec(text)
      while (head === null || text.length < head[0].length + Number(head[1])) {
        const [chunk] = (await once(socket, 'data')) as [Buffer]
        text += chunk.toString('latin1')
        head = answerHead.exec(text)
      }
      const end = head[0].length + Number(head[1])
      expect(text.slice(head[0].length, end)).toBe(answer)
      text = text.slice(end)
    }
  }
  socket.destroy()
}

describe.each(modes)('pipelining, with %s', (_name, mode) => {
  test('many clients at once get their own answers, in order', async () => {
    const backend = createServer((request, response) => {
      let length = 0
      request.on('data', (chunk: Buffer) => (length += chunk.length))
      request.on('end', () => {
        const size = Number(request.url!.slice(request.url!.lastIndexOf('/') + 1))
        response.end(`${request.url} ${length} ${'z'.repeat(size)}`)
      })
    }).listen(0, '127.0.0.1')
    await once(backend, 'listening')
    const { port } = backend.address() as AddressInfo
    const plane = await startPlane({ routes: { 'good.test': [`http://127.0.0.1:${port}`] }, mode })
    try {
      await Promise.all(Array.from({ length: clients }, (_, client) => converse(plane.port, client)))
    } finally {
      plane.close()
      backend.close()
    }
  })
})
