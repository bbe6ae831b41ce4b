import { eventually, mustRun, run } from './process.ts'

export type S3Server = {
  endpoint: string
  /** The name of its container. */
  container: string
  /** Lines of its log: a request each. */
  requests: () => Promise<string[]>
  remove: () => Promise<void>
}

/**
 * An S3-compatible server in a container, with the bucket `bucket`: moto, which answers as S3 does, multipart uploads
 * included, and comes from Debian, as everything else here.
 */
export async function startS3(instance: string): Promise<S3Server> {
  const container = `${instance}-s3`
  const image = `paas-test/s3:${instance}`
  const build = `docker build --quiet --tag "$1" - << 'END'
FROM paas/base:trixie
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-moto python3-flask python3-flask-cors && rm -rf /var/lib/apt/lists/*
CMD ["moto_server", "-H", "0.0.0.0", "-p", "5000"]
END`
  await mustRun('bash', ['-c', build, 'build', image])
  await mustRun('docker', [
    ...['run', '--detach', '--name', container, '--label', `paas.instance=${instance}`],
    ...['--publish', '127.0.0.1::5000', image],
  ])
  const port = (await mustRun('docker', ['port', container, '5000'])).trim().split(':').at(-1)!
  const endpoint = `http://127.0.0.1:${port}`
  await eventually(
    'S3 answers',
    60_000,
    async () => (await run('curl', ['-sf', '-X', 'PUT', `${endpoint}/bucket`])).code === 0,
  )
  return {
    endpoint,
    container,
    async requests() {
      const { output } = await run('docker', ['logs', container])
      return output.split('\n')
    },
    async remove() {
      await mustRun('docker', ['rm', '--force', container])
      await mustRun('docker', ['rmi', image])
    },
  }
}
