import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestProject } from 'vitest/node'
import { machineIn } from './machine.ts'
import { setUpPrivateInstance } from './private-instance.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of the machine of test/support/machine.ts that the instance is on. */
    machine: string
  }
}

/** Gives the tests an instance on a machine of its own, and takes both away after them. */
export default async function setUpMachine(project: TestProject): Promise<() => Promise<void>> {
  const machine = machineIn(await mkdtemp(join(tmpdir(), 'paas-machine-')))
  await machine.powerOn()
  try {
    await machine.startDocker()
    const more = ['--docker-socket', machine.socket]
    const { instance, remove } = await setUpPrivateInstance({ more, through: machine.inside })
    project.provide('machine', machine.folder)
    project.provide('instance', instance)
    return async () => {
      await remove()
      await machine.remove()
    }
  } catch (error) {
    await machine.remove()
    throw error
  }
}
