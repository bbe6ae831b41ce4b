import { readFile } from 'node:fs/promises'
import { instancePaths } from '../../src/lib/paths.ts'

/** What a test has to know about the private instance that all e2e files share. */
export type TestInstance = {
  /** Prefix of its names in Docker, and its label `paas.instance`. */
  name: string
  root: string
  user: string
  domain: string
  httpPort: number
  sshPort: number
  bridge: string
  dockerSocket: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    instance: TestInstance
  }
}

/** Reads what set-up decided about an instance. */
export async function readTestInstance(root: string): Promise<TestInstance> {
  const text = await readFile(instancePaths(root).settings, 'utf8')
  const settings = JSON.parse(text) as Omit<TestInstance, 'root' | 'httpPort' | 'bridge'> & {
    http: { port: number }
    network: { bridge: string }
  }
  const { name, user, domain, sshPort, http, network, dockerSocket } = settings
  return { name, root, user, domain, sshPort, httpPort: http.port, bridge: network.bridge, dockerSocket }
}
