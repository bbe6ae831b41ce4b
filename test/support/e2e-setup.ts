import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestProject } from 'vitest/node'
import { setUpPrivateInstance } from './private-instance.ts'
import { readTestInstance } from './test-instance.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a test writes at what point of a deploy the controller is to kill itself: src/lib/fault-point.ts. */
    faultFile: string
  }
}

/**
 * Gives the tests their instance, and takes it away after them, also when they are interrupted.
 * PAAS_E2E_ROOT names an instance that is there and stays, for work on one test; PAAS_FAULT_FILE the file that its
 * controller looks for.
 */
export default async function setUpInstance(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-fault-'))
  // Set-up hands our environment on to the controller.
  process.env['PAAS_FAULT_FILE'] ??= join(folder, 'point')
  project.provide('faultFile', process.env['PAAS_FAULT_FILE'])
  const existing = process.env['PAAS_E2E_ROOT']
  const made = existing === undefined ? await setUpPrivateInstance() : undefined
  project.provide('instance', made?.instance ?? (await readTestInstance(existing!)))
  return async () => {
    await made?.remove()
    await rm(folder, { recursive: true })
  }
}
