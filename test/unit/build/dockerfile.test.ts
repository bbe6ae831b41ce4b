import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkDockerfile,
  parseDockerfile,
  runtimeOf,
  scopeDockerfile,
  stagesOf,
} from '../../../src/build/dockerfile.ts'
import { planFromImage } from '../../../src/build/from-image.ts'

const code = (text: string, args: Record<string, string> = {}): string => {
  try {
    checkDockerfile(text, args)
    return 'taken'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

const tenant = 'paas/a0123456789abcde:b1'

describe('images of others are out of reach', () => {
  test.each<[string, string]>([
    ['FROM', `FROM ${tenant}`],
    ['with a platform', `FROM --platform=linux/amd64 ${tenant} AS x`],
    ['in lower case', `from ${tenant}`],
    ['by Docker Hub’s name', `FROM docker.io/${tenant}`],
    ['by an old name of Docker Hub', `FROM index.docker.io/${tenant}`],
    ['by digest', `FROM paas/base@sha256:${'0'.repeat(64)}`],
    ['through an argument', `ARG IMAGE=${tenant}\nFROM $IMAGE`],
    ['through a quoted argument', `ARG IMAGE="${tenant}"\nFROM \${IMAGE}`],
    ['through a fallback', `FROM \${NONE:-${tenant}}`],
    ['through arguments of arguments', `ARG A=paas\nARG B=$A/a0123456789abcde:b1\nFROM $B`],
    ['a later ARG of a stage does not hide it', `ARG X=${tenant}\nFROM scratch\nARG X=debian\nFROM $X`],
    ['COPY --from', `FROM scratch\nCOPY --from=${tenant} / /`],
    ['COPY --from, quoted', `FROM scratch\nCOPY --from="${tenant}" / /`],
    ['COPY --from, quoted inside', `FROM scratch\nCOPY --from=pa"as/a0123456789abcde":b1 / /`],
    ['COPY --from, escaped', `FROM scratch\nCOPY --fr\\om=pa\\as/a0123456789abcde:b1 / /`],
    ['behind a quoted flag', `FROM scratch\nCOPY --chown="1 1" --from=${tenant} / /`],
    ['on a continued line', `FROM scratch\nCOPY \\\n  # note\n\n  --from=${tenant} / /`],
    ['with the other escape', `# escape=\`\nFROM scratch\nCOPY \`\n --from=${tenant} / /`],
    [
      'with an escape directive that is none',
      `# note\n# escape=\`\nFROM scratch\nCOPY \\\n --from=${tenant} / /`,
    ],
    ['a mount', `FROM scratch\nRUN --mount=type=bind,from=${tenant},target=/x ls`],
    ['a cache mount', `FROM scratch\nRUN --mount=type=cache,target=/x,from=${tenant} ls`],
    ['ONBUILD', `FROM scratch\nONBUILD COPY --from=${tenant} / /`],
    ['an image id', `FROM sha256:${'ab'.repeat(32)}`],
    ['a short image id', 'FROM 3057c0197922'],
    ['a very short image id', 'FROM 3057'],
    ['an image id in COPY', 'FROM scratch\nCOPY --from=3057c0197922 / /'],
    ['a frontend of somebody', '# syntax=somebody/frontend\nFROM scratch'],
    ['a frontend after comments', '# hi\n\n# syntax = somebody/frontend\nFROM scratch'],
    ['a frontend of ours', `# syntax=${tenant}\nFROM scratch`],
  ])('%s', (_, text) => {
    expect(code(text)).toBe('FORBIDDEN')
  })

  test.each<[string, string]>([
    ['no FROM', 'RUN ls'],
    ['empty', ''],
    ['an image that cannot be told', 'FROM scratch\nCOPY --from=${X} / /'],
    ['an operator that is not known', 'ARG X=a\nFROM ${X#b}'],
    ['a here-document that hides what follows', "FROM scratch\nRUN <<'EOF\\'\nls\nEOF\\\nFROM paas/x"],
  ])('%s is refused', (_, text) => {
    expect(code(text)).toBe('SOURCE_REFUSED')
  })

  test('an argument given from outside counts', () => {
    expect(code('ARG IMAGE=debian\nFROM $IMAGE', { IMAGE: tenant })).toBe('FORBIDDEN')
  })

  test('wherever it stands, a tenant’s image is found', () => {
    const noise = fc.constantFrom(
      'RUN ls \\\n -l',
      '# comment',
      '',
      'ENV A=b',
      'ARG X=debian',
      'RUN <<EOF\nls\nEOF',
    )
    const hidden = fc.constantFrom(
      `FROM ${tenant}`,
      `COPY --link --from=${tenant} a b`,
      `RUN --mount=target=/x,from=${tenant} ls`,
    )
    fc.assert(
      fc.property(fc.array(noise), hidden, fc.array(noise), (before, bad, after) => {
        expect(code(['FROM scratch', ...before, bad, ...after].join('\n'))).toBe('FORBIDDEN')
      }),
    )
  })
})

describe('a prebuilt image', () => {
  test.each([
    ['of another app', tenant],
    ['of a service', 'paas/service-postgres:17'],
    ['of another app, by Docker Hub’s name', `docker.io/${tenant}`],
    ['by its id', `sha256:${'ab'.repeat(32)}`],
    ['by a short id', '3057c0197922'],
    ['by a short id with a digest', `3057c0197922@sha256:${'ab'.repeat(32)}`],
  ])('%s is refused', (_, image) => {
    expect(() => planFromImage(image)).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }) as Error)
  })

  test.each([
    'ghost:5-alpine',
    'registry.example.com:5000/team/blog@sha256:' + '0'.repeat(64),
    'paas/base:trixie',
  ])('%s is built from, and from nothing else', (image) => {
    const { plan, source } = planFromImage(image)
    expect(plan).toMatchObject({
      builder: 'image',
      why: image,
      dockerfile: `FROM ${image}\n`,
      port: undefined,
    })
    expect(source.entries).toEqual([])
  })
})

describe('what apps really have is taken', () => {
  test.each<[string, string]>([
    ['a public image', 'FROM node:22-bookworm-slim'],
    ['the stack images', 'FROM paas/base:trixie AS a\nFROM paas/node:26'],
    ['stages', 'FROM debian AS build\nFROM scratch\nCOPY --from=build /a /b\nCOPY --from=0 /c /d'],
    [
      'a stage chosen by architecture',
      'FROM debian AS tool-amd64\nFROM debian AS tool-arm64\nFROM tool-${TARGETARCH}',
    ],
    ['an argument', 'ARG NODE=22\nFROM node:${NODE}-slim'],
    ['Docker’s own frontend', '# syntax=docker/dockerfile:1.7\nFROM debian'],
    ['another registry', 'FROM ghcr.io/paas/thing:1'],
    ['a here-document', 'FROM debian\nRUN <<EOF\nSELECT * FROM users\nEOF'],
    ['shell variables', 'FROM debian\nRUN echo "$HOME" `date`\nCOPY a$b /c'],
  ])('%s', (_, text) => {
    expect(code(text)).toBe('taken')
  })
})

test('instructions keep their flags apart from the rest', () => {
  expect(parseDockerfile('# c\nFROM a AS b\nCOPY --from=b --chown=1:1 x \\\n  y\nCMD ["a"]')).toEqual([
    { name: 'FROM', flags: [], rest: 'a AS b', line: 2 },
    { name: 'COPY', flags: ['--from=b', '--chown=1:1'], rest: 'x    y', line: 3 },
    { name: 'CMD', flags: [], rest: '["a"]', line: 5 },
  ])
  expect(stagesOf(parseDockerfile('FROM a\nFROM b AS Two\nFROM c'))).toEqual(['0', 'two', '2'])
})

test('no text makes the parser throw', () => {
  const unit = fc.constantFrom(
    'FROM ',
    'COPY ',
    '--from=',
    '"',
    "'",
    '\\',
    '`',
    '\n',
    '#',
    '<<',
    '$',
    '{',
    '}',
    ' ',
    'x',
  )
  fc.assert(fc.property(fc.string({ unit, maxLength: 60 }), (text) => void parseDockerfile(text)))
})

test.each([
  'RUN ' + '--a="'.repeat(50_000),
  `COPY --${'\\'.repeat(50_000)}`,
  'RUN \\\n'.repeat(50_000),
  'ARG A=$B\n'.repeat(20_000),
  '\n'.repeat(100_000),
  '#\n'.repeat(50_000),
  'RUN x ' + '<<'.repeat(50_000),
  `FROM ${'${'.repeat(50_000)}`,
  `FROM x${' as'.repeat(50_000)}`,
])('a hostile text is read in no time', (text) => {
  const since = performance.now()
  code(text)
  scopeDockerfile(text, 's')
  expect(performance.now() - since).toBeLessThan(2000)
})

describe('cache mounts belong to one app', () => {
  test.each<[string, string]>([
    ['--mount=type=cache,id=npm,target=/root/.npm', '--mount=type=cache,target=/root/.npm,id=paas-s-npm'],
    ['--mount=type=cache,target=/root/.npm', '--mount=type=cache,target=/root/.npm,id=paas-s--root-.npm'],
    ['--mount=target=/x,type=cache,id="a"', '--mount=target=/x,type=cache,id=paas-s-a'],
    ['--mount=type=secret,id=env', '--mount=type=secret,id=env'],
  ])('%s', (before, after) => {
    expect(scopeDockerfile(`RUN ${before} ls`, 's')).toBe(`RUN ${after} ls`)
  })

  test('and the frontend is the engine’s own', () => {
    expect(scopeDockerfile('# syntax=docker/dockerfile:1\nFROM a\n', 's')).toBe('FROM a\n')
    expect(scopeDockerfile('# hello\n# syntax=docker/dockerfile:1\nFROM a\n', 's')).toBe('# hello\nFROM a\n')
  })
})

test('the port and command of the stage that is built', () => {
  const text =
    'FROM a AS build\nEXPOSE 1\nCMD a\nFROM b\nEXPOSE 53/udp\nEXPOSE 8080/tcp 9000\nFROM c AS bare\nRUN x'
  expect(runtimeOf(text, 'build')).toEqual({ port: 1, starts: true })
  expect(runtimeOf(text, undefined)).toEqual({ starts: false })
  expect(runtimeOf('FROM b\nEXPOSE 53/udp\nEXPOSE 8080/tcp 9000\nENTRYPOINT x', undefined)).toEqual({
    port: 8080,
    starts: true,
  })
})
