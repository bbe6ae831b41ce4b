import { join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { run } from '../lib/run.ts'
import { configurationFiles, type Plan } from './install.ts'
import { dockerAnswers, ensureDocker } from './docker-daemon.ts'
import { record } from './manifest.ts'
import { bringUp, generationOf, runningGeneration, servicesAnswer } from './services.ts'
import { type Step } from './step.ts'
import { streamed } from './streamed.ts'

export function dockerStep({ instance, paths, systemd }: Plan): Step {
  return {
    title: 'Docker Engine',
    pending: async () =>
      (await dockerAnswers(instance.dockerSocket))
        ? []
        : [systemd ? 'start docker.service' : 'start dockerd'],
    perform: async () => {
      const outcome = await ensureDocker(instance.dockerSocket, join(paths.log, 'dockerd.log'))
      if (outcome === 'started') await record(paths, 'dockerd', 'started')
    },
  }
}

export function servicesStep(plan: Plan, appDigest: string): Step {
  const wanted = async () => {
    const files = await configurationFiles(plan)
    // What runs has no use for the launcher, and need not be interrupted for another one.
    return generationOf(
      appDigest,
      files.filter(({ path }) => path !== plan.paths.launcher),
    )
  }
  return {
    title: 'Redis, controller and router',
    pending: async () => {
      const next = await wanted()
      if (!(await servicesAnswer(plan))) return [plan.systemd ? 'start paas.target' : 'start `paas serve`']
      const running = await runningGeneration(plan.paths)
      if (running?.settings !== next.settings) return ['restart with the new settings']
      return running.app === next.app ? [] : ['take over the new version']
    },
    perform: async () => bringUp(plan, await wanted()),
  }
}

/** The image that all buildpacks build on; built from the distribution's signed packages. */
export function baseImageStep({ paths }: Plan): Step {
  const paas = paths.launcher
  return {
    title: 'Base image',
    pending: async () => {
      const { code, stdout } = await run(paas, ['base:info', '--json'], { timeoutMs: 30_000 })
      if (code !== 0) return ['build the base image']
      // A build that broke off may have left the base without the image of Node.
      const { node } = JSON.parse(stdout) as { node: { version: string } | null }
      return node?.version === process.versions.node
        ? []
        : [`build the image of Node ${process.versions.node}`]
    },
    perform: async (report) => {
      if ((await streamed(paas, ['base:build'], report)) === 0) return
      throw new PaasError('BUILD_FAILED', 'The base image was not built; the lines above say why.', {
        hint: 'Run `paas base:build` when that is mended.',
      })
    },
  }
}
