import { connect, type Socket } from 'node:net'
import { eventually } from './router.ts'

/** Keep-alive clients that ask one request after another; every answer but a 200 is a failure. */
export function openLoad(port: number, host: string, clients: number, path = '/') {
  const state = { running: true, done: 0 }
  const failures: string[] = []

  const open = (): Socket => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => undefined)
    return socket
  }
  const one = async (): Promise<void> => {
    let socket = open()
    while (state.running) {
      const answer = await askOn(socket, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      state.done += 1
      if (!answer.startsWith('HTTP/1.1 200')) failures.push(answer)
      if (/connection: close/i.test(answer) || socket.destroyed) {
        socket.destroy()
        socket = open()
      }
    }
    socket.destroy()
  }
  const all = Promise.all(Array.from({ length: clients }, one))
  return {
    /** Resolves when this many more requests are done. */
    async ran(count: number): Promise<void> {
      const until = state.done + count
      await eventually(() => state.done >= until, 30_000)
    },
    async stop() {
      state.running = false
      await all
      return { done: state.done, failures }
    },
  }
}

/** The whole answer, or what had come when the connection closed. */
function askOn(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const finish = (result: string): void => {
      socket.off('data', onData)
      socket.off('close', onClose)
      resolve(result)
    }
    const onData = (chunk: Buffer): void => {
      text += chunk.toString()
      const headEnd = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? NaN)
      if (headEnd !== -1 && text.length >= headEnd + 4 + length) finish(text)
    }
    const onClose = (): void => finish(`closed after ${JSON.stringify(text)}`)
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.write(request)
  })
}
