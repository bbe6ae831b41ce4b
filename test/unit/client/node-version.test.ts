import { expect, test } from 'vitest'
import { refuseOldNode } from '../../../src/client/node-version.ts'

test.each(['22.19.0', '22.20.1', '23.0.0', '26.10.0'])('Node %s will do', (version) => {
  expect(() => refuseOldNode(version)).not.toThrow()
})
test.each(['18.19.0', '20.20.2', '22.18.9', ''])('Node %s is too old, and that is said', (version) => {
  expect(() => refuseOldNode(version)).toThrow('needs Node 22.19 or newer')
})
