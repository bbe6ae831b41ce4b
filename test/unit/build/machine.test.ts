import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bothSpellings, machineProxy } from '../../../src/build/machine-proxy.ts'

test('a proxy is found in the environment, in either spelling, and else in /etc/environment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paas-proxy-'))
  const file = join(folder, 'environment')
  try {
    expect(await machineProxy({ PATH: '/bin' }, file)).toEqual({})
    await writeFile(file, 'PATH="/usr/bin"\nhttps_proxy="http://proxy.example.com:3128"\nNO_PROXY=\n')
    expect(await machineProxy({}, file)).toEqual({ HTTPS_PROXY: 'http://proxy.example.com:3128' })
    const env = { https_proxy: 'http://other:1', HTTP_PROXY: 'http://one:1', no_proxy: 'localhost' }
    expect(await machineProxy(env, file)).toEqual({
      HTTP_PROXY: 'http://one:1',
      HTTPS_PROXY: 'http://other:1',
      NO_PROXY: 'localhost',
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('programs get it in both spellings', () => {
  expect(bothSpellings({ HTTP_PROXY: 'http://one:1' })).toEqual({
    HTTP_PROXY: 'http://one:1',
    http_proxy: 'http://one:1',
  })
})
