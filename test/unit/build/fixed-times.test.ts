import { describe, expect, test } from 'vitest'
import { parseDockerfile } from '../../../src/build/dockerfile.ts'
import { withFixedTimes } from '../../../src/build/fixed-times.ts'

/** Instructions by name, the shell as what it is. */
const outline = (text: string): string[] =>
  parseDockerfile(withFixedTimes(text).dockerfile).map(({ name, rest }) =>
    name === 'SHELL' ? (rest.includes('SOURCE_DATE_EPOCH') ? 'fixing' : 'usual') : name,
  )

describe('steps of a buildpack run in a shell that fixes times', () => {
  test.each<[string, string, string[]]>([
    ['a stage with steps', 'ARG X\nFROM a AS b\nRUN x', ['ARG', 'FROM', 'fixing', 'RUN']],
    ['once for all of them', 'FROM a\nRUN x\nRUN y', ['FROM', 'fixing', 'RUN', 'RUN']],
    ['not one without', 'FROM a\nCOPY . .\nCMD x', ['FROM', 'COPY', 'CMD']],
    [
      'and no command',
      'FROM a\nRUN x\nCMD x\nENTRYPOINT y',
      'FROM fixing RUN usual CMD ENTRYPOINT'.split(' '),
    ],
    [
      'each stage anew',
      'FROM a\nRUN x\nCMD x\nFROM b\nRUN y',
      'FROM fixing RUN usual CMD FROM fixing RUN'.split(' '),
    ],
    ['what a step continues on', 'FROM a\nRUN x \\\n && y\nCMD z', 'FROM fixing RUN usual CMD'.split(' ')],
  ])('%s', (_, text, wanted) => {
    expect(outline(text)).toEqual(wanted)
  })
})

test('a folder that the last stage copies gets its time from the build context, a file stays as it is', () => {
  const stages = 'FROM a AS build\nCOPY --from=x /app /app\n'
  const last =
    'FROM b\nCOPY --from=build --chown=1:1 /site /app\nCOPY --from=build /etc/passwd /etc/passwd\nUSER 1'
  expect(withFixedTimes(stages + last)).toEqual({
    dockerfile: `${stages}FROM scratch AS copied-1
COPY --from=build /site /tree/app
COPY times/app /tree

FROM b
COPY --from=copied-1 --chown=1:1 /tree /
COPY --from=build /etc/passwd /etc/passwd
USER 1`,
    folders: ['times/app/app'],
  })
})
