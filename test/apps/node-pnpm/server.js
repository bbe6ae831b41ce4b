const { createServer } = require('node:http')
const mime = require('mime')

const server = createServer((request, response) => {
  response.end(`type ${mime.getType('a.css')}, manager ${process.env.npm_config_user_agent ?? 'none'}\n`)
})
server.listen(Number(process.env.PORT), () => console.log(`listening on port ${process.env.PORT}`))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
