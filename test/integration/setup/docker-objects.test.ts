import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEngine } from '../../../src/docker/engine.ts'
import { removeDockerObjects } from '../../../src/setup/docker-objects.ts'
import { mustRun } from '../../support/process.ts'
import { tinyImage } from '../../support/tiny-image.ts'

const engine = openEngine('/var/run/docker.sock')
const [going, staying] = ['paas-going', 'paas-staying']
const ofApp = 'paas-test/app:going'

/** An image of an app, which has a label more than one that is everybody's. */
async function imageOfApp(name: string): Promise<void> {
  const changes = ['--change', `LABEL paas.instance=${name}`, '--change', 'LABEL paas.app=a']
  await mustRun('sh', [
    '-c',
    'tar --create --files-from /dev/null | docker import "$@"',
    'sh',
    ...changes,
    '-',
    ofApp,
  ])
}

const there = async (image: string): Promise<boolean> => (await engine.images.inspect(image)) !== undefined

beforeAll(async () => {
  await engine.negotiate()
  await tinyImage(engine, going)
  await imageOfApp(going)
  const labels = ['--label', `paas.instance=${staying}`]
  await mustRun('docker', ['network', 'create', ...labels, '--subnet', '172.29.250.0/28', staying])
})
afterAll(async () => {
  await mustRun('docker', ['network', 'rm', staying])
  await mustRun('docker', ['image', 'rm', '--force', `paas-test/tiny:${going}`])
})

test('an instance that goes leaves the images that another one builds on', async () => {
  await removeDockerObjects(engine, going, true)
  expect(await there(ofApp)).toBe(true)
  await removeDockerObjects(engine, going, false)
  expect(await there(ofApp)).toBe(false)
  expect(await there(`paas-test/tiny:${going}`)).toBe(true)
})
