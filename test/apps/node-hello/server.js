import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'

const port = Number(process.env.PORT ?? 5000)

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname === '/') {
    const { DYNO = 'web.1', GREETING = 'Hello from paas!' } = process.env
    return answer(response, 200, `${GREETING} This is Node ${process.versions.node}, ${DYNO}.\n`)
  }
  if (url.pathname === '/health') return answer(response, 200, 'ok\n')
  if (url.pathname === '/slow') {
    const ms = Math.min(Math.max(Number(url.searchParams.get('ms')) || 1000, 0), 60_000)
    await setTimeout(ms)
    return answer(response, 200, `waited ${ms} ms\n`)
  }
  return answer(response, 404, 'There is /, /health and /slow?ms=1000 here.\n')
})

function answer(response, status, text) {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}

server.listen(port, () => console.log(`listening on port ${port}`))

// Finishes the requests that it has, takes no more, and ends.
process.once('SIGTERM', () => {
  console.log('stopping')
  server.close(() => process.exit(0))
})
