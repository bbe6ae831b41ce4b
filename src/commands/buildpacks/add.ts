import { z } from 'zod'
import { addBuildpack } from '../../build/added-buildpacks.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'
import { BuildpackName } from './name.ts'

export const buildpacksAdd = defineCommand({
  name: 'buildpacks:add',
  summary: 'take in a buildpack of your own',
  description:
    'From a git URL (with #branch or #tag where it is not the default branch) or, on the server, a folder. One of ' +
    'the same name gives way to it. docs/buildpacks.md shows how to write one.',
  examples: [
    'paas buildpacks:add elm https://example.com/elm-buildpack.git#v2',
    'paas buildpacks:add elm /root/elm-buildpack',
  ],
  access: 'admin',
  app: 'none',
  args: {
    name: BuildpackName,
    from: z.string().max(1000).describe('git URL or folder').meta({ value: 'git-url|dir' }),
  },
  result: z.object({ name: z.string(), summary: z.string() }),
  async run({ args: { name, from } }, { platform, identity, signal }) {
    const isUrl = /^(?:https?|ssh|git|file):\/\//.test(from)
    // A folder of the server is root's to name; over SSH it would be a way to read it.
    if (!isUrl && identity.via !== 'root')
      throw new PaasError('FORBIDDEN', 'Over SSH a buildpack comes from a git URL.', {
        hint: 'A folder of the server is taken in there, by root.',
      })
    const source = isUrl ? { tar: platform.clone(from, signal) } : { path: from }
    const who = { owner: identityName(identity), verb: 'buildpacks:add', signal }
    const { manifest } = await platform.queues.run('buildpacks', who, () =>
      addBuildpack(platform.paths.buildpacks, name, source),
    )
    return { name: manifest.name, summary: manifest.summary }
  },
  render: ({ name, summary }) => `${name} is there from the next push on: ${summary}.\n`,
})
