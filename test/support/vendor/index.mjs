// A package index as PEP 503 has it, of the wheels and sources in a folder: node index.mjs FOLDER. Other files below it
// are served as they are, so that a bare git repository there can be cloned. LOGIN=user:password asks for that.
import { createHash } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, normalize } from 'node:path'

const folder = process.argv[2]
const login = process.env.LOGIN
const normal = (name) => name.replaceAll(/[-_.]+/g, '-').toLowerCase()
const nameOf = (file) => normal(file.endsWith('.whl') ? file.split('-')[0] : file.replace(/-\d.*/, ''))
const hash = (file) =>
  createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex')
const link = (file) => `<a href="/${encodeURIComponent(file)}#sha256=${hash(file)}">${file}</a>`

function answer({ url, headers }, response) {
  const sent = Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString()
  if (login !== undefined && sent !== login)
    return response.writeHead(401, { 'www-authenticate': 'Basic realm="index"' }).end()
  const path = normalize(decodeURIComponent(new URL(url, 'http://index').pathname))
  const name = /^\/simple\/(.+?)\/?$/.exec(path)?.[1]
  if (name === undefined) {
    const file = createReadStream(join(folder, path))
    file.on('error', () => response.writeHead(404).end()).on('open', () => file.pipe(response))
    return
  }
  const files = readdirSync(folder).filter(
    (file) => /\.(?:whl|tar\.gz)$/.test(file) && nameOf(file) === normal(name),
  )
  response.writeHead(files.length === 0 ? 404 : 200, { 'content-type': 'text/html' })
  response.end(`<!DOCTYPE html><html><body>${files.map(link).join('\n')}</body></html>`)
}

createServer(answer).listen(8000)
