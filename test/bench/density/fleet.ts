import { instancePaths } from '../../../src/lib/paths.ts'
import { mustRun, run } from '../../support/process.ts'
import { type TestInstance } from '../../support/test-instance.ts'
import { pusher } from './push.ts'

const atOnce = 2

/** Apps that do nothing, of the image of one that was pushed; `processes` web processes each. */
export async function growingFleet(instance: TestInstance, processes = 1) {
  const paas = (...args: string[]): Promise<string> => mustRun(instancePaths(instance.root).launcher, args)
  const push = await pusher(instance)
  const image = `paas-density/${process.pid}:1`
  const names: string[] = []

  async function first(): Promise<void> {
    await push.deploy()
    names.push(push.app)
    const label = `label=paas.instance=${instance.name}`
    const found = await mustRun('docker', ['images', '--quiet', '--filter', label])
    await mustRun('docker', ['tag', found.split('\n')[0]!, image])
    if (processes > 1) await paas('scale', '-a', push.app, `web=${processes}`)
  }

  return {
    /** The first one is what `push` changes. */
    names: names as readonly string[],
    push: (): Promise<void> => push.deploy(),
    /** The clone that it pushes, and a key that nobody has let in. */
    source: push.source,
    spareKey: push.spareKey,
    async growTo(size: number): Promise<void> {
      if (names.length === 0) await first()
      const wanted = Array.from({ length: size - names.length }, (_, i) => `idle-${names.length + i}`)
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
            await paas('apps:create', name)
            await paas('git:from-image', '-a', name, image)
            if (processes > 1) await paas('scale', '-a', name, `web=${processes}`)
            names.push(name)
          }
        }),
      )
    },
    async remove(): Promise<void> {
      await push.remove()
      await run('docker', ['rmi', '--force', image])
    },
  }
}
