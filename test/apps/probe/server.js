import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { version } from './version.js'

/** Answers questions about itself, so that tests see who answered, and whether all of it arrived. */
const { PORT = '5000', DYNO = '', PAAS_RELEASE = '' } = process.env

const answers = {
  '/facts': () => JSON.stringify({ version, dyno: DYNO, release: PAAS_RELEASE }),
  '/environment': () => JSON.stringify(process.env),
  '/slow': async (url) => {
    await setTimeout(Number(url.searchParams.get('ms')))
    return `waited ${url.searchParams.get('ms')}`
  },
  // Takes memory until there is none.
  '/hoard': () => {
    const all = []
    for (;;) all.push(Buffer.alloc(16 * 1024 * 1024, 1))
  },
  '/digest': async (url, request) => {
    const hash = createHash('sha256')
    try {
      for await (const chunk of request) hash.update(chunk)
    } catch {
      // The client is gone before all of it came: nobody is there to be answered.
      return ''
    }
    return hash.digest('hex')
  },
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://probe')
  response.setHeader('x-probe', version)
  if (url.pathname === '/letters') return letters(Number(url.searchParams.get('count')), response)
  const answer = answers[url.pathname]
  if (answer === undefined) return response.writeHead(404).end('nothing here\n')
  response.end(await answer(url, request))
})

/** Many bytes, a part at a time and without a length known before. */
async function letters(count, response) {
  for (let left = count; left > 0; left -= 8192) {
    response.write('x'.repeat(Math.min(left, 8192)))
    await setTimeout(1)
  }
  response.end()
}

server.listen(Number(PORT), () => console.log(`probe ${version} listens on ${PORT}`))

process.once('SIGTERM', () => {
  console.log('probe stops')
  server.close(() => process.exit(0))
})
