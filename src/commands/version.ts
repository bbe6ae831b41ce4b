import { z } from 'zod'
import { paasVersion } from '../lib/version.ts'
import { defineCommand } from './define.ts'

export const version = defineCommand({
  name: 'version',
  topic: 'server',
  summary: 'print the version of the server',
  examples: ['paas version', 'paas version --json'],
  access: 'read',
  app: 'none',
  result: z.object({ version: z.string(), node: z.string() }),
  async run() {
    return { version: paasVersion, node: process.versions.node }
  },
  render: ({ version: paas, node }) => `paas ${paas} (Node ${node})\n`,
})
