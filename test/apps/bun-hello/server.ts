import ms from 'ms'

const started = Date.now()
const server = Bun.serve({
  port: process.env.PORT,
  fetch: () => new Response(`hello from bun, up since ${ms(Date.now() - started)}\n`),
})
process.on('SIGTERM', async () => {
  await server.stop()
  process.exit(0)
})
