import { createServer } from 'node:http'
import { existsSync } from 'node:fs'
import mime from 'mime'

const server = createServer((request, response) => {
  const answer = {
    node: process.version,
    type: mime.getType('a.css'),
    esbuild: existsSync('node_modules/esbuild'),
    path: request.url,
  }
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify(answer)}\n`)
})
server.listen(Number(process.env.PORT), () => console.log(`listening on port ${process.env.PORT}`))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
