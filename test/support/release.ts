import { Release } from '../../src/model/release.ts'

/** A live release of one web process, but for what is given. */
export function aRelease(facts: Record<string, unknown> & { image?: object } = {}): Release {
  return Release.parse({
    version: 1,
    createdAt: '2026-11-20T12:00:00.000Z',
    createdBy: 'root',
    description: 'Deploy 1a2b3c4d',
    config: {},
    status: 'active',
    ...facts,
    image: {
      id: 'sha256:0',
      tag: 'paas/a:b',
      builder: 'node',
      processes: { web: {} },
      checks: {},
      port: 5000,
      ...facts.image,
    },
  })
}
