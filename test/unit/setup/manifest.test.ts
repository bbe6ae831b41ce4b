import { expect, test } from 'vitest'
import { valuesOf } from '../../../src/setup/manifest.ts'

test('gives the values of one kind, each once', () => {
  const manifest = 'package git\nuser paas\npackage redis-server\npackage git\nfile /etc/a b\n\nnonsense\n'
  expect(valuesOf(manifest, 'package')).toEqual(['git', 'redis-server'])
  expect(valuesOf(manifest, 'file')).toEqual(['/etc/a b'])
  expect(valuesOf(manifest, 'dockerd')).toEqual([])
})
