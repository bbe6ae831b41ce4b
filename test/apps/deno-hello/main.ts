import ms from 'ms'

const started = Date.now()
const server = Deno.serve(
  { port: Number(Deno.env.get('PORT')), hostname: '0.0.0.0' },
  () => new Response(`hello from deno, up since ${ms(Date.now() - started)}\n`),
)
Deno.addSignalListener('SIGTERM', () => void server.shutdown())
