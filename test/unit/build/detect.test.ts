import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadBuildpacks } from '../../../src/build/buildpack.ts'
import { detect, planBuild, type PlanOptions } from '../../../src/build/detect.ts'
import { type BuildPlan } from '../../../src/build/plan.ts'
import { sourceOf } from './source-of.ts'

const buildpacks = await loadBuildpacks([join(import.meta.dirname, '../../../buildpacks')])

async function plan(files: Record<string, string>, options: Partial<PlanOptions> = {}): Promise<BuildPlan> {
  await using spooled = await sourceOf(files)
  return planBuild(spooled.source, { buildpacks, ...options })
}

const refusal = async (files: Record<string, string>, options: Partial<PlanOptions> = {}) =>
  (await plan(files, options).catch((error: unknown) => error)) as {
    code: string
    message: string
    hint: string
  }

const json = (value: unknown): string => JSON.stringify(value)

describe('which builder a source gets, and what its web process is', () => {
  test.each<[string, Record<string, string>, string, string | undefined]>([
    ['npm start', { 'package.json': json({ scripts: { start: 'x' } }) }, 'node', 'npm start'],
    [
      'NestJS, whose npm start needs what is pruned',
      { 'package.json': json({ scripts: { start: 'nest start', 'start:prod': 'node dist/main' } }) },
      'node',
      'npm run start:prod',
    ],
    ['server.js', { 'package.json': '{}', 'server.js': '' }, 'node', 'node server.js'],
    ['main', { 'package.json': json({ main: 'lib/a.js' }) }, 'node', 'node lib/a.js'],
    [
      'a Procfile wins',
      { 'package.json': json({ scripts: { start: 'x' } }), Procfile: 'web: y' },
      'node',
      'y',
    ],
    [
      'SvelteKit with a server',
      {
        'package.json': json({
          scripts: { build: 'vite build' },
          devDependencies: { '@sveltejs/adapter-node': '5' },
        }),
      },
      'node',
      'env PROTOCOL_HEADER=x-forwarded-proto node build',
    ],
    [
      'Astro with a server',
      { 'package.json': json({ scripts: { build: 'astro build' }, dependencies: { '@astrojs/node': '9' } }) },
      'node',
      'env HOST=0.0.0.0 node dist/server/entry.mjs',
    ],
    [
      'Nuxt',
      { 'package.json': json({ scripts: { build: 'nuxt build', generate: 'nuxt generate' } }) },
      'node',
      'node .output/server/index.mjs',
    ],
    [
      'a static build',
      { 'package.json': json({ scripts: { build: 'vite build' } }) },
      'node+static',
      'static-web',
    ],
    [
      'a static build with a development server',
      {
        'package.json': json({ scripts: { build: 'b', start: 'react-scripts start' } }),
        'public/index.html': '',
      },
      'node+static',
      'static-web',
    ],
    [
      'Next.js that exports',
      {
        'package.json': json({ scripts: { build: 'b', start: 'next start' } }),
        'next.config.mjs': "output: 'export'",
      },
      'node+static',
      'static-web',
    ],
    [
      'Next.js',
      { 'package.json': json({ scripts: { build: 'b', start: 'next start' } }) },
      'node',
      'npm start',
    ],
    ['pages', { 'index.html': '' }, 'static', 'static-web'],
    ['pages below public', { 'public/index.html': '' }, 'static', 'static-web'],
    [
      'Flask',
      { 'app.py': 'app = Flask(__name__)', 'requirements.txt': 'flask\ngunicorn\n' },
      'python',
      'gunicorn app:app',
    ],
    [
      'Flask with uv',
      {
        'main.py': 'shop = Flask(__name__)',
        'pyproject.toml': '[project]\ndependencies = ["flask", "gunicorn"]\n',
        'uv.lock': '',
      },
      'python',
      'gunicorn main:shop',
    ],
    [
      'Flask with Pipenv',
      { 'app.py': 'app = Flask(__name__)', Pipfile: '[packages]\nflask = "*"\ngunicorn = "*"\n' },
      'python',
      'gunicorn app:app',
    ],
    [
      'FastAPI',
      { 'main.py': 'api: FastAPI = FastAPI()', 'requirements.txt': 'fastapi\nuvicorn\n' },
      'python',
      'uvicorn main:api --host 0.0.0.0 --port $PORT',
    ],
    [
      'Django',
      { 'manage.py': '', 'shop/wsgi.py': '', 'requirements.txt': 'django\ngunicorn==23\n' },
      'python',
      'gunicorn shop.wsgi',
    ],
    [
      'Django without a server',
      { 'manage.py': '' },
      'python',
      'python manage.py runserver --noreload 0.0.0.0:$PORT',
    ],
    ['a script', { 'app.py': 'print(1)' }, 'python', 'python app.py'],
    ['Pipfile', { Pipfile: '[packages]\n', 'main.py': '' }, 'python', 'python main.py'],
    ['Rack', { Gemfile: 'gem "puma"', 'config.ru': '' }, 'ruby', 'bundle exec puma -b tcp://0.0.0.0:$PORT'],
    [
      'Rails with assets of Node',
      {
        Gemfile: '',
        'config/application.rb': '',
        'config/puma.rb': '',
        'package.json': json({ scripts: { build: 'b' } }),
      },
      'node+ruby',
      'bundle exec puma -C config/puma.rb',
    ],
    ['PHP', { 'index.php': '' }, 'php', 'php-web'],
    ['WordPress', { 'index.php': '', 'wp-config-sample.php': '', 'package.json': '{}' }, 'php', 'php-web'],
    ['Go', { 'go.mod': 'module example.com/shop/v2\n\ngo 1.22\n', 'main.go': '' }, 'go', 'bin/shop'],
    [
      'Go with commands',
      { 'go.mod': 'module a\n', 'cmd/api/main.go': '', 'cmd/web/main.go': '' },
      'go',
      'bin/web',
    ],
    ['Maven', { 'pom.xml': '<project/>' }, 'java', 'java-web'],
    ['a jar', { 'app.jar': '' }, 'java', 'java-web'],
    ['Rust', { 'Cargo.toml': '[package]\nname = "shop"\n', 'src/main.rs': '' }, 'rust', 'bin/shop'],
    [
      'a workspace of Rust',
      { 'Cargo.toml': '[workspace]\nmembers = ["crates/*"]\n', 'crates/shop/src/main.rs': '' },
      'rust',
      'bin/shop',
    ],
    [
      'Elixir',
      { 'mix.exs': 'def project, do: [app: :shop, version: "1.0.0"]\n' },
      'elixir',
      'bin/shop start',
    ],
    ['a Dockerfile wins', { Dockerfile: 'FROM scratch', 'package.json': '{}' }, 'dockerfile', undefined],
  ])('%s', async (_, files, builder, web) => {
    const { builder: found, processes } = await plan(files)
    expect(found).toBe(builder)
    expect(processes).toMatchObject({ web: web === undefined ? {} : { command: web } })
  })

  test('two that are equally sure are not guessed between', async () => {
    const error = await refusal({ Gemfile: '', 'requirements.txt': '', 'config.ru': '' })
    expect(error.code).toBe('SOURCE_REFUSED')
    expect(error.message).toBe('The source could be python (requirements.txt) or ruby (Gemfile).')
    expect(error.hint).toContain('paas buildpacks:set python')
  })

  test('a choice ends the guessing', async () => {
    const files = { Gemfile: '', 'requirements.txt': '', 'config.ru': '' }
    expect((await plan(files, { chosen: ['ruby'] })).builder).toBe('ruby')
    expect((await refusal(files, { chosen: ['cobol'] })).code).toBe('NOT_FOUND')
    const fromApp = { ...files, 'app.json': json({ buildpacks: [{ url: 'heroku/ruby' }] }) }
    expect((await plan(fromApp)).builder).toBe('ruby')
    const asHeroku = {
      'package.json': json({ scripts: { start: 'x' } }),
      'app.json': json({ buildpacks: [{ url: 'https://github.com/heroku/heroku-buildpack-nodejs' }] }),
    }
    expect((await plan(asHeroku)).builder).toBe('node')
  })

  test('what runs on Heroku is named as there: BUILDPACK_URL, app.json, URLs and folders', async () => {
    const url = 'https://github.com/someone/their-buildpack#v2'
    const listed = async (files: Record<string, string>, options: Partial<PlanOptions>) => {
      const found = await plan(files, options)
      const list = found.files.find(({ path }) => path === 'heroku/list')?.content.toString()
      return [found.builder, found.why, list]
    }
    expect(await listed({ 'index.html': '' }, { buildpackUrl: url })).toEqual([
      'heroku',
      'BUILDPACK_URL',
      `${url}\n`,
    ])
    const several = json({ buildpacks: [{ url: 'heroku/nodejs' }, { url: './buildpacks/own' }] })
    expect(await listed({ 'app.json': several }, {})).toEqual([
      'heroku',
      'app.json buildpacks',
      'https://github.com/heroku/heroku-buildpack-nodejs\n./buildpacks/own\n',
    ])
    expect(await listed({ a: '' }, { chosen: [url] })).toEqual(['heroku', 'buildpacks:set', `${url}\n`])
    const ours = await plan(
      { 'index.html': '' },
      { buildpackUrl: 'https://github.com/heroku/heroku-buildpack-static.git' },
    )
    expect(ours.builder).toBe('static')
    expect((await refusal({ a: '' }, { buildpackUrl: 'https://x/y z' })).code).toBe('SOURCE_REFUSED')
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['only a README', { 'README.md': 'hi' }, /No buildpack recognises this source \(README\.md\)/],
    ['nothing to start', { 'package.json': '{}' }, /node does not know how to start this app/],
    [
      'JSON with an error',
      { 'package.json': '{"name": }' },
      /^package\.json is not valid JSON: Unexpected token '}'/,
    ],
    [
      'TOML with an error',
      { 'pyproject.toml': '[project', 'app.py': '' },
      /pyproject\.toml is not valid TOML/,
    ],
    ['Gradle without its wrapper', { 'build.gradle': '' }, /needs its wrapper/],
    ['a Dockerfile without FROM', { Dockerfile: 'RUN ls' }, /there is no FROM/],
  ])('%s', async (_, files, message) => {
    const error = await refusal(files)
    expect(error.code).toBe('SOURCE_REFUSED')
    expect(error.message).toMatch(message)
  })
})

describe('what a plan has besides', () => {
  test('versions, package managers and modes are build arguments', async () => {
    const node = await plan({
      'package.json': json({
        scripts: { start: 'x' },
        engines: { node: '20.x' },
        packageManager: 'pnpm@9.1.0+sha512.abc',
        dependencies: { a: '1' },
      }),
    })
    expect(node.buildArgs).toEqual({
      NODE_VERSION: '20.x',
      NODE_PACKAGE_MANAGER: 'pnpm@9.1.0',
      NODE_INSTALL: 'manifests',
      NODE_BUILD: 'none',
    })
    expect(node.warnings).toEqual([
      'There is no lock file, so every build may get other versions: commit package-lock.json.',
    ])
    const berry = await plan({
      'package.json': json({ scripts: { start: 'x' } }),
      'yarn.lock': '',
      '.yarnrc.yml': '',
    })
    expect(berry.buildArgs['NODE_PACKAGE_MANAGER']).toBe('yarn@4')
  })

  test.each([
    ['uv', { 'uv.lock': '', 'pyproject.toml': '[project]\nname = "a"\n' }, 'uv', 'no'],
    [
      'uv with a package',
      { 'uv.lock': '', 'pyproject.toml': '[build-system]\nrequires = ["hatchling"]\n' },
      'uv',
      'yes',
    ],
    [
      'uv with a folder of the app',
      { 'uv.lock': '', 'pyproject.toml': '[tool.uv.sources.greet]\npath = "libs/greet"\n' },
      'uv',
      'yes',
    ],
    ['Poetry', { 'poetry.lock': '', 'pyproject.toml': '' }, 'poetry', 'yes'],
    [
      'Poetry without a package',
      { 'poetry.lock': '', 'pyproject.toml': '[tool.poetry]\npackage-mode = false\n' },
      'poetry',
      'no',
    ],
    ['requirements', { 'requirements.txt': 'flask\n-r more.txt\n', 'pyproject.toml': '' }, 'pip', 'no'],
    ['requirements and the app', { 'requirements.txt': 'flask\n-e .\n', 'setup.py': '' }, 'pip', 'yes'],
    ['requirements and a folder', { 'requirements.txt': './libs/greet\n' }, 'pip', 'yes'],
    [
      'requirements from elsewhere',
      { 'requirements.txt': '-e git+https://example.com/a.git#egg=a\nb @ https://example.com/b.whl\n' },
      'pip',
      'no',
    ],
    ['setup.py beside requirements', { 'requirements.txt': 'flask\n', 'setup.py': '' }, 'pip', 'no'],
    ['setup.py', { 'setup.py': '', 'app.py': '' }, 'setup', 'yes'],
    ['Pipenv', { Pipfile: '[packages]\nflask = "*"\n', 'app.py': '' }, 'pipenv', 'no'],
    [
      'dependencies that setup.py knows',
      { 'pyproject.toml': '[project]\nname = "a"\ndynamic = ["version", "dependencies"]\n' },
      'setup',
      'yes',
    ],
  ])('Python with %s', async (_, files, install, isPackage) => {
    const { buildArgs } = await plan({ Procfile: 'web: x\n', ...files })
    expect(buildArgs).toMatchObject({ PYTHON_INSTALL: install, PYTHON_PACKAGE: isPackage })
  })

  test('a version that is not to be had is said, with what there is', async () => {
    const error = await refusal({ 'app.py': '', '.python-version': '3.9.1' })
    expect(error.message).toBe('.python-version asks for Python 3.9.1, and the base image has 3.13.')
    expect(error.hint).toContain('paas base:set')
    const based = await plan({ 'app.py': '', '.python-version': '3.9.1' }, { base: 'python:3.9-slim' })
    expect(based.buildArgs).toMatchObject({ PAAS_BASE: 'chosen-base' })
    expect(based.dockerfile).toMatch(
      /^FROM python:3\.9-slim AS chosen-base\nCOPY --from=paas\/base:trixie .*ca-certificates /m,
    )
    expect((await refusal({ 'app.py': '' }, { base: 'paas/a0123456789abcde:b' })).code).toBe('FORBIDDEN')
  })

  test('app.json: formation, checks, config vars, scripts, and what it says about nothing', async () => {
    const app = {
      name: 'shop',
      formation: { web: { quantity: 2 }, wrker: { quantity: 1 } },
      healthchecks: { web: [{ path: '/health', listening: true }] },
      env: { SECRET: { generator: 'secret' }, MODE: 'plain' },
      scripts: { dokku: { predeploy: 'a' }, postdeploy: 'b' },
      typo: 1,
    }
    const found = await plan({ 'index.html': '', 'app.json': json(app) })
    expect(found.formation).toEqual({ web: 2, wrker: 1 })
    expect(found.checks).toMatchObject({ web: [{ path: '/health', attempts: 30 }] })
    expect(found.env).toMatchObject({ SECRET: { generate: true }, MODE: { value: 'plain' } })
    expect(found.scripts).toEqual({ predeploy: 'a', postdeploy: 'b' })
    expect(found.warnings).toEqual([
      'app.json: typo is not known and has no effect',
      'app.json: healthchecks.web.listening is not known and has no effect',
      'app.json: formation.wrker is about a process type that the app does not have',
    ])
  })

  test('Flask without a server is warned about, unless it starts one', async () => {
    const of = async (files: Record<string, string>): Promise<string[]> => (await plan(files)).warnings
    const flask = 'app = Flask(__name__)\n'
    expect(await of({ 'app.py': flask, 'requirements.txt': 'flask\n' })).toEqual([
      'app.py starts no server by itself: add gunicorn to the dependencies.',
    ])
    expect(await of({ 'app.py': `${flask}app.run('0.0.0.0', port)\n` })).toEqual([])
    expect(await of({ 'main.py': flask, Pipfile: 'gunicorn = "*"\n' })).toEqual([])
  })

  test('Rails gets a secret of its own', async () => {
    const { env } = await plan({ Gemfile: '', 'config/application.rb': '' })
    expect(env).toMatchObject({ SECRET_KEY_BASE: { generate: true } })
  })

  test('a Dockerfile’s port is the one that it exposes, and its command stays its own', async () => {
    const found = await plan({ Dockerfile: 'FROM paas/base:trixie\nEXPOSE 8080\nCMD ["x"]\n' })
    expect(found).toMatchObject({ port: 8080, processes: { web: {} }, sourceFolder: '' })
    const withWorker = await plan({ Dockerfile: 'FROM scratch\nCMD ["x"]\n', Procfile: 'worker: y' })
    expect(withWorker).toMatchObject({ port: undefined, processes: { web: {}, worker: { command: 'y' } } })
  })

  describe('the Dockerfile that dockerfile:set names', () => {
    const files = {
      'docker/web.Dockerfile': 'ARG BASE=debian\nFROM $BASE AS build\nFROM scratch AS small\nEXPOSE 7000\n',
      'docker/web.Dockerfile.dockerignore': 'docs\n',
      '.dockerignore': 'test\n',
      'package.json': '{}',
    }
    const dockerfile = 'docker/web.Dockerfile'

    test('is built in its place, with its own ignore file, target and arguments', async () => {
      const found = await plan(files, { dockerfile, target: 'small', buildArgs: { BASE: 'alpine' } })
      expect(found).toMatchObject({
        builder: 'dockerfile',
        why: dockerfile,
        dockerfilePath: dockerfile,
        ignore: 'docs\n',
        target: 'small',
        buildArgs: { BASE: 'alpine' },
        port: 7000,
      })
      expect((await plan(files, { dockerfile, target: 'build' })).port).toBeUndefined()
    })

    test('may be missing, lack the stage, or reach for another app through an argument', async () => {
      const missing = await refusal(files, { dockerfile: 'Dockerfile.prod' })
      expect(missing).toMatchObject({
        message: 'There is no Dockerfile.prod in the source, or it is too large.',
      })
      const stage = await refusal(files, { dockerfile, target: 'large' })
      expect(stage).toMatchObject({
        code: 'SOURCE_REFUSED',
        hint: expect.stringMatching(/build, small/) as string,
      })
      const buildArgs = { BASE: 'paas/a0123456789abcde:b1' }
      expect((await refusal(files, { dockerfile, buildArgs })).code).toBe('FORBIDDEN')
    })
  })

  test('several builders become one Dockerfile whose stages do not meet', async () => {
    const { dockerfile } = await plan({ 'package.json': json({ scripts: { build: 'b' } }) })
    expect(dockerfile).toContain('FROM node-build-${NODE_BUILD} AS node-build\n')
    expect(dockerfile).toContain('COPY --from=node-build /app /app\n')
    expect(dockerfile).toContain('FROM ${PAAS_NODE} AS static-build\n')
    const names = [...dockerfile.matchAll(/^FROM .* AS (\S+)$/gm)].map((match) => match[1])
    expect(new Set(names).size).toBe(names.length)
  })
})

test('every candidate is told with its reason', async () => {
  await using spooled = await sourceOf({ 'index.html': '', 'package.json': '{}', Dockerfile: 'FROM scratch' })
  expect(detect(spooled.source, buildpacks)).toEqual([
    { builder: 'dockerfile', sure: 100, why: 'Dockerfile' },
    { builder: 'node', sure: 50, why: 'package.json' },
    { builder: 'static', sure: 10, why: 'index.html' },
  ])
})
