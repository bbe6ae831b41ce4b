import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAppJson } from '../../../src/build/app-json.ts'
import { likelyCause } from '../../../src/build/likely-cause.ts'
import { parseProcfile } from '../../../src/build/procfile.ts'
import { chooseVersion, rangeOf } from '../../../src/build/version.ts'

const thrown = (task: () => unknown): { code: string; message: string; hint: string } => {
  try {
    task()
  } catch (error) {
    return error as { code: string; message: string; hint: string }
  }
  throw new Error('nothing was thrown')
}

describe('Procfile', () => {
  test('types and commands, comments, blank lines, CRLF, continuation', () => {
    const text =
      '\uFEFF# apps\r\nweb: node server.js --x=a:b\r\n\r\nmy_worker:  bin/work \\\n   --fast \nrelease: ./migrate'
    expect(parseProcfile(text)).toEqual({
      web: { command: 'node server.js --x=a:b' },
      my_worker: { command: 'bin/work  --fast' },
      release: { command: './migrate' },
    })
    expect(parseProcfile('\n# nothing\n')).toEqual({})
  })

  test.each(['web node server.js', 'Web: x', 'web:', 'web: a\nweb: b', ': x', '-a: x', 'a b: x'])(
    '%j is refused',
    (text) => {
      expect(thrown(() => parseProcfile(text))).toMatchObject({
        code: 'SOURCE_REFUSED',
        message: expect.stringMatching(/^Procfile: /) as string,
      })
    },
  )

  test('what is written is what is read', () => {
    const type = fc.stringMatching(/^[a-z]([a-z0-9_-]{0,8}[a-z0-9])?$/)
    const command = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-[\]-~])?$/).filter((text) => !text.endsWith('\\'))
    fc.assert(
      fc.property(fc.dictionary(type, command, { minKeys: 1, noNullPrototype: true }), (processes) => {
        const text = Object.entries(processes).map(([name, line]) => `${name}: ${line}\n`)
        const expected = Object.fromEntries(
          Object.entries(processes).map(([name, line]) => [name, { command: line }]),
        )
        expect(parseProcfile(text.join(''))).toEqual(expected)
      }),
    )
  })
})

describe('app.json', () => {
  test('none is an empty one', () => {
    expect(parseAppJson(undefined)).toEqual({
      env: {},
      formation: {},
      sizes: {},
      checks: {},
      scripts: {},
      cron: [],
      buildpacks: [],
      warnings: [],
    })
  })

  test.each([
    ['{', /^app\.json is not valid JSON/],
    ['[]', /^app\.json: .*object/],
    ['{"formation": {"web": {"quantity": -1}}}', /^app\.json formation\.web\.quantity: /],
    ['{"env": {"1X": "a"}}', /^app\.json env/],
    [
      '{"healthchecks": {"web": [{"path": "no"}]}}',
      /^app\.json healthchecks\.web\.0\.path: a path starts with/,
    ],
    ['{"cron": [{"command": ""}]}', /^app\.json cron\.0\.command/],
  ])('%s says where and what', (text, message) => {
    expect(thrown(() => parseAppJson(text))).toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringMatching(message) as string,
    })
  })
})

describe('versions', () => {
  const python = {
    of: 'Python',
    arg: 'V',
    wanted: [],
    syntax: 'pep440' as const,
    have: ['3.13'],
    others: false,
  }
  test.each([
    ['npm', '>=18', '>=18'],
    ['npm', 'v22.1.0', '22.1.0'],
    ['npm', 'lts/iron', '*'],
    ['npm', 'abc', undefined],
    ['pep440', '>=3.10,<4', '>=3.10 <4'],
    ['pep440', '==3.13.*', '=3.13.x'],
    ['pep440', '~=3.11', '^3.11'],
    ['pep440', '~=3.11.2', '~3.11.2'],
    ['pep440', '!=3.12.1,>=3.8', '* >=3.8'],
    ['gem', '~> 3.3', '^3.3'],
    ['gem', '~> 3.3.1', '~3.3.1'],
    ['gem', '>= 3.1, < 4', '>=3.1 <4'],
    ['composer', '^8.2 || ^7.4', '^8.2 || ^7.4'],
    ['composer', '~8.1|8.4.*', '~8.1 || 8.4.*'],
    ['minimum', '1.22', '>=1.22'],
  ] as const)('%s %s', (syntax, wish, range) => {
    expect(rangeOf(syntax, wish)).toBe(range)
  })

  test.each(['>=3.10', '3.13', '3.13.2', '~=3.11', '==3.13.*', '>3.12'])(
    'the base’s Python suits %s',
    (text) => {
      expect(chooseVersion(python, { text, why: 'x' })).toBe('3.13')
    },
  )

  test.each(['<3.13', '3.12', '>=3.14', '2.7'])('the base’s Python does not suit %s', (text) => {
    expect(thrown(() => chooseVersion(python, { text, why: 'pyproject.toml' })).code).toBe('SOURCE_REFUSED')
  })

  test('what a registry has is passed on, and of several that suit the first is taken', () => {
    const node = { ...python, syntax: 'npm' as const, have: ['26'], others: true }
    expect(chooseVersion(node, { text: '22.x', why: 'x' })).toBe('22.x')
    expect(chooseVersion(node, { text: '>=20', why: 'x' })).toBe('26')
    expect(
      chooseVersion({ ...python, syntax: 'minimum', have: ['21', '25'] }, { text: '24', why: 'x' }),
    ).toBe('25')
  })
})

test.each([
  ['executor failed running [/bin/sh -c x]: exit code: 137', /out of memory: builds may use 512 MiB/],
  [
    'npm error code EUSAGE\nnpm error `npm ci` can only install packages when your package.json and package-lock.json are in sync',
    /package-lock\.json is out of date/,
  ],
  [
    'error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.',
    /lock file is out of date/,
  ],
  [
    'The lockfile at `uv.lock` needs to be updated, but `--locked` was provided. To update the lockfile, run `uv lock`.',
    /lock file is out of date/,
  ],
  ['Your Pipfile.lock (ef477e) is out of date.  Expected: (d23111).', /lock file is out of date/],
  ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.', /its hash differs/],
  [
    '╰─▶ HTTP status client error (401 Unauthorized) for url (http://10.0.0.1/Flask-3.1.1-py3-none-any.whl)',
    /wants a user and a password/,
  ],
  ['ERROR: No matching distribution found for flask', /does not exist in the registry/],
  [
    'failed to do request: Head "https://registry-1.docker.io/v2/paas/base/manifests/trixie": dial tcp: no such host',
    /paas base:build/,
  ],
  ['docker.io/paas/node:26: not found', /paas base:build/],
  ['npm error code SELF_SIGNED_CERT_IN_CHAIN', /certificate is not trusted/],
  ['npm error code ENOTFOUND', /registry cannot be reached/],
  ['dial tcp: lookup registry-1.docker.io: no such host', /registry cannot be reached/],
  ['java.net.UnknownHostException: services.gradle.org', /registry cannot be reached/],
  ['repo.maven.apache.org: Unknown host', /registry cannot be reached/],
  ['write /x: no space left on device', /disk is full/],
  [
    'failed to do request: Head "http://127.0.0.1:1/v2/node/manifests/22": dial tcp 127.0.0.1:1: connect: connection refused',
    /image's registry cannot be reached/,
  ],
  ['/bin/sh: apt-get: not found', /base image has no apt-get/],
  ['/bin/sh: 1: Cannot fork', /too many processes/],
  [
    "The dependencies in your gemfile changed, but the lockfile can't be updated\nbecause frozen mode is set",
    /lock file is out of date/,
  ],
  ['- Required package "acme/a" is not present in the lock file.', /lock file is out of date/],
  [
    'main.go:3:8: missing go.sum entry for module providing package example.com/a',
    /lock file is out of date/,
  ],
  ['go: inconsistent vendoring in /app:', /lock file is out of date/],
  ['sh: 1: vite: not found', /command is not in the image/],
  ['shop needs libpq.so.5, which the base of paas does not have.', /Debian trixie or older/],
  [
    'Exception in thread "main" java.net.UnknownHostException: services.gradle.org\n\tat org.gradle.wrapper.Install.forceFetch(SourceFile:4)',
    /wrapper could not fetch/,
  ],
  [
    'Exception in thread "main" java.net.UnknownHostException: repo.maven.apache.org\n\tat Downloader.main(Downloader.java:9)',
    /wrapper could not fetch/,
  ],
  [
    '> Cannot find a Java installation on your machine (Linux 6.1.0 amd64) matching: {languageVersion=17, vendor=any vendor}',
    /base:set eclipse-temurin/,
  ],
  ['Fatal error compiling: error: release version 25 not supported', /base:set eclipse-temurin/],
])('%s', (text, cause) => {
  expect(likelyCause(text, 512 * 1024 ** 2)).toMatch(cause)
})
