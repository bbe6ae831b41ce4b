import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SshRig, startSshRig } from '../../support/ssh-rig.ts'

let rig: SshRig
let admin: string

beforeAll(async () => {
  rig = await startSshRig()
  admin = await rig.key('root-of-all', 'admin')
})
afterAll(() => rig[Symbol.asyncDispose]())

describe('a command over ssh', () => {
  it('runs', async () => {
    const created = await rig.ssh(admin, ['apps:create', 'blog'])
    expect(created).toMatchObject({ code: 0, stderr: '' })
    const list = await rig.ssh(admin, ['apps:list'])
    expect(list).toEqual({ code: 0, stdout: 'blog\n', stderr: '' })
  })
})
