import { createServer } from 'node:http'
import { stores } from './stores.js'

// PUT /DATABASE_URL with a text adds a row to the service in that variable; GET lists the rows.
// GET / tells the names of variables that hold a service's URL.
const kinds = Object.keys(stores)
const kindOf = (url) => kinds.find((kind) => url.startsWith(`${kind}:`))

async function answer(request) {
  const name = request.url.slice(1)
  if (name === '') {
    const names = Object.keys(process.env).filter((key) => key.endsWith('_URL') && kindOf(process.env[key]))
    return names.sort().join('\n')
  }
  const url = process.env[name]
  if (url === undefined) throw Object.assign(new Error(`${name} is not set`), { status: 404 })
  const store = stores[kindOf(url)]
  if (request.method !== 'PUT') return (await store.list(url)).join('\n')
  let text = ''
  for await (const chunk of request) text += chunk
  await store.add(url, text)
  return 'added'
}

createServer((request, response) => {
  answer(request).then(
    (text) => response.end(`${text}\n`),
    (error) => {
      response.statusCode = error.status ?? 500
      response.end(`${error.message}\n`)
    },
  )
}).listen(process.env.PORT)
