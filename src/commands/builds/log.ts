import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { buildLog } from '../../deploy/build-record.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'

export const buildsLog = defineCommand({
  name: 'builds:log',
  summary: 'print what a build has printed',
  description: 'Prints the log of a build, of the newest one where none is named.',
  examples: ['paas builds:log -a blog', 'paas builds:log -a blog b4vtvh1tddn0rscj'],
  access: 'read',
  app: 'required',
  args: { build: z.string().optional().describe('an id from builds') },
  async run({ app, args }, { platform, io }) {
    const builds = await platform.store.builds.list(app.id)
    const build = args.build === undefined ? builds[0] : builds.find(({ id }) => id === args.build)
    if (build === undefined) throw noBuild(app.name, args.build)
    try {
      const file = createReadStream(buildLog(platform.paths.builds, app.id, build.id))
      for await (const chunk of file as AsyncIterable<Buffer>) await io.stdout(chunk)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      throw new PaasError('NOT_FOUND', `The log of ${build.id} is not there any more.`)
    }
  },
})

export function noBuild(app: string, id: string | undefined): PaasError {
  return new PaasError(
    'NOT_FOUND',
    id === undefined ? `${app} has no builds.` : `${app} has no build ${JSON.stringify(id.slice(0, 32))}.`,
    { hint: id === undefined ? 'git push paas main' : `What there is: paas builds -a ${app}` },
  )
}
