import { type TestProject } from 'vitest/node'
import { setUpPrivateInstance } from './private-instance.ts'
import { readTestInstance } from './test-instance.ts'

/**
 * Gives the e2e tests their instance, and takes it away after them, also when they are interrupted.
 * PAAS_E2E_ROOT names an instance that is there and stays, for work on one test.
 */
export default async function setUpInstance(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const existing = process.env['PAAS_E2E_ROOT']
  if (existing !== undefined) {
    project.provide('instance', await readTestInstance(existing))
    return undefined
  }
  const { instance, remove } = await setUpPrivateInstance()
  project.provide('instance', instance)
  return remove
}
