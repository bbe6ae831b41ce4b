import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestProject } from 'vitest/node'
import setUpInstance from './e2e-setup.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a test writes at what point of a deploy the controller is to kill itself: src/lib/fault-point.ts. */
    faultFile: string
  }
}

/** As for the e2e tests, but the instance's controller looks for such a file: set-up hands our environment on. */
export default async function setUpInstanceForFaults(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-fault-'))
  process.env['PAAS_FAULT_FILE'] ??= join(folder, 'point')
  project.provide('faultFile', process.env['PAAS_FAULT_FILE'])
  const remove = await setUpInstance(project)
  return async () => {
    await remove?.()
    await rm(folder, { recursive: true })
  }
}
