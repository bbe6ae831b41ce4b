import { afterAll, describe, expect, test } from 'vitest'
import { containersOf, inspect } from '../support/docker.ts'
import { withDebian, withNode } from '../support/in-container.ts'
import { mavenApp, mavenRepository } from '../support/java-apps.ts'
import { get, hostOf, instance, paas } from '../support/instance.ts'
import { appName, createLaptop, type Files } from '../support/laptop.ts'
import { eventually, mustRun } from '../support/process.ts'

// On demand, as they install much: what people deploy, each by a real push. What comes from registries that cannot be
// reached everywhere is made of Debian's packages, and vendored.

const laptop = await createLaptop('frameworks')
afterAll(() => laptop[Symbol.asyncDispose]())

/** Nothing of the app that clones start with. */
const none: Files = { Procfile: null, 'package.json': null, 'server.js': null, 'version.js': null }
const json = (value: unknown): string => JSON.stringify(value)

/** Debian's gems in `vendor/cache`, and their lock file. */
const withGems = (packages: string, ...gems: string[]) =>
  withDebian(
    `ruby-bundler patchelf ${packages}`,
    `ruby /support/gems.rb vendor/cache ${gems.join(' ')}; bundle lock --local`,
  )
const gemfile = (...gems: string[]): string =>
  ["source 'https://rubygems.org'", ...gems.map((name) => `gem '${name}'`), ''].join('\n')
const npmLock = withNode('npm install --package-lock-only --ignore-scripts')

const server = (body: string): string =>
  `require('node:http').createServer((_, res) => res.end(${body})).listen(process.env.PORT)\n`
const isThere = (name: string): string =>
  `require('node:fs').existsSync(require('node:path').join(__dirname, '${name}'))`

type Framework = {
  what: string
  files: Files
  /** Makes lock files and vendored packages in the clone. */
  prepare?: (folder: string) => Promise<string>
  config?: string[]
  asks: [path: string, status: number, body: RegExp][]
  /** What `/` answers to a router that has been asked over TLS. */
  secure?: RegExp
}

const next = {
  dependencies: { next: '^15.0.0', react: '^19.0.0', 'react-dom': '^19.0.0' },
  scripts: { dev: 'next dev', build: 'next build', start: 'next start' },
}
const layout = 'export default ({ children }) => <html><body>{children}</body></html>\n'

const frameworks: Framework[] = [
  {
    what: 'Next.js with a server',
    files: {
      'package.json': json({
        name: 'shop',
        ...next,
        devDependencies: { typescript: '^5.0.0', '@types/node': '^22.0.0', '@types/react': '^19.0.0' },
      }),
      // Read at the start too, with TypeScript.
      'next.config.ts':
        "import type { NextConfig } from 'next'\nexport default { poweredByHeader: false } as NextConfig\n",
      'app/layout.js': layout,
      'app/page.js': `export const dynamic = 'force-dynamic'\nexport default () => <h1>Hello of {process.env.NEXT_PUBLIC_SHOP}</h1>\n`,
      'app/api/route.js': 'export const GET = () => Response.json({ node: process.version })\n',
    },
    prepare: npmLock,
    config: ['NEXT_PUBLIC_SHOP=Zoe'],
    asks: [
      ['/', 200, /Hello of.*Zoe/],
      ['/api', 200, /"node":"v26/],
      ['/nothing', 404, /./],
    ],
  },
  {
    what: 'Next.js as files',
    files: {
      'package.json': json({ name: 'shop', ...next }),
      'next.config.mjs': "export default { output: 'export' }\n",
      'app/layout.js': layout,
      'app/page.js': 'export default () => <h1>Hello</h1>\n',
      'app/about/page.js': 'export default () => <h1>About</h1>\n',
    },
    prepare: npmLock,
    asks: [
      ['/', 200, /Hello/],
      ['/about', 200, /About/],
      ['/nothing', 404, /404/],
    ],
  },
  {
    what: 'an SPA of Vite',
    files: {
      'package.json': json({
        type: 'module',
        scripts: { dev: 'vite', build: 'vite build', preview: 'vite preview' },
        devDependencies: { vite: '^7.0.0' },
      }),
      'index.html': '<!doctype html><div id="app"></div><script type="module" src="/src/main.js"></script>',
      'src/main.js': "document.querySelector('#app').textContent = `Hello of ${import.meta.env.VITE_SHOP}`\n",
    },
    prepare: npmLock,
    config: ['VITE_SHOP=Zoe'],
    asks: [
      ['/', 200, /assets\/index-[\w-]+\.js/],
      ['/any/route', 200, /assets\/index-/],
      ['/missing.js', 404, /./],
    ],
  },
  {
    what: 'SvelteKit with a server, which its template gives no script to start',
    files: {
      'package.json': json({
        type: 'module',
        scripts: { dev: 'vite dev', build: 'vite build', preview: 'vite preview' },
        devDependencies: {
          '@sveltejs/adapter-node': '^5.0.0',
          '@sveltejs/kit': '^2.0.0',
          '@sveltejs/vite-plugin-svelte': '^6.0.0',
          svelte: '^5.0.0',
          vite: '^7.0.0',
        },
      }),
      'svelte.config.js':
        "import adapter from '@sveltejs/adapter-node'\nexport default { kit: { adapter: adapter() } }\n",
      'vite.config.js':
        "import { sveltekit } from '@sveltejs/kit/vite'\nexport default { plugins: [sveltekit()] }\n",
      'src/app.html': '<html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>',
      'src/routes/+page.server.js': 'export const load = ({ url }) => ({ origin: url.origin })\n',
      'src/routes/+page.svelte':
        '<script>\nlet { data } = $props()\n</script>\n<h1>Hello of {data.origin}</h1>\n',
    },
    prepare: npmLock,
    asks: [['/', 200, /Hello of http:/]],
    secure: /Hello of https:/,
  },
  {
    what: 'Astro with a server',
    files: {
      'package.json': json({
        type: 'module',
        scripts: { dev: 'astro dev', build: 'astro build', preview: 'astro preview' },
        dependencies: { astro: '^5.0.0', '@astrojs/node': '^9.0.0' },
      }),
      'astro.config.mjs':
        "import node from '@astrojs/node'\nexport default { output: 'server', adapter: node({ mode: 'standalone' }) }\n",
      'src/pages/index.astro': '---\nconst node = process.version\n---\n<h1>Hello of {node}</h1>\n',
    },
    prepare: npmLock,
    asks: [['/', 200, /Hello of v26/]],
  },
  {
    what: 'NestJS',
    files: {
      'package.json': json({
        scripts: { build: 'nest build', start: 'nest start', 'start:prod': 'node dist/main' },
        dependencies: {
          '@nestjs/common': '^11.0.0',
          '@nestjs/core': '^11.0.0',
          '@nestjs/platform-express': '^11.0.0',
          'reflect-metadata': '^0.2.0',
          rxjs: '^7.8.0',
        },
        devDependencies: { '@nestjs/cli': '^11.0.0', typescript: '^5.0.0', '@types/node': '^22.0.0' },
      }),
      'nest-cli.json': json({ sourceRoot: 'src' }),
      'tsconfig.json': json({
        compilerOptions: {
          ...{ module: 'commonjs', target: 'es2022', outDir: 'dist', rootDir: 'src', skipLibCheck: true },
          ...{ emitDecoratorMetadata: true, experimentalDecorators: true },
        },
        include: ['src'],
      }),
      'src/main.ts': `import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
@Controller()
class Root { @Get() hello() { return 'Hello of Nest' } }
@Module({ controllers: [Root] })
class App {}
void NestFactory.create(App).then((app) => app.listen(process.env.PORT!))
`,
    },
    prepare: npmLock,
    asks: [['/', 200, /^Hello of Nest$/]],
  },
  {
    what: 'Express in TypeScript, its compiler left out',
    files: {
      'package.json': json({
        scripts: { build: 'tsc', start: 'node dist/server.js' },
        dependencies: { express: '^5.0.0' },
        devDependencies: { typescript: '^5.0.0', '@types/express': '^5.0.0', '@types/node': '^22.0.0' },
      }),
      'tsconfig.json': json({
        compilerOptions: { outDir: 'dist', module: 'commonjs', esModuleInterop: true, skipLibCheck: true },
      }),
      'server.ts':
        `import express from 'express'\nconst app = express()\n` +
        `app.get('/', (_, res) => { res.send(\`compiler: \${${isThere('../node_modules/typescript')}}\`) })\n` +
        `app.listen(Number(process.env.PORT))\n`,
    },
    prepare: npmLock,
    asks: [['/', 200, /compiler: false/]],
  },
  {
    what: 'workspaces of npm',
    files: {
      'package.json': json({
        private: true,
        workspaces: ['apps/*', 'packages/*'],
        scripts: {
          build: 'npm run build --workspaces --if-present',
          start: 'npm start --workspace apps/web',
        },
      }),
      'packages/greet/package.json': json({
        name: '@shop/greet',
        version: '1.0.0',
        main: 'dist/index.js',
        scripts: { build: 'esbuild index.ts --outfile=dist/index.js --format=cjs' },
        dependencies: { ms: '2.0.0' },
        devDependencies: { esbuild: '^0.25.0' },
      }),
      'packages/greet/index.ts':
        "export const greet = (): string => 'Hello ' + require('ms/package.json').version\n",
      'apps/web/package.json': json({
        name: 'web',
        scripts: { start: 'node server.js' },
        dependencies: { '@shop/greet': '^1.0.0', ms: '^2.1.3' },
      }),
      'apps/web/server.js': server(
        `require('@shop/greet').greet() + ' esbuild: ' + ${isThere('../../node_modules/esbuild')}`,
      ),
    },
    prepare: npmLock,
    asks: [['/', 200, /Hello 2\.0\.0 esbuild: false/]],
  },
  {
    what: 'a monorepo of pnpm',
    files: {
      'package.json': json({
        private: true,
        packageManager: 'pnpm@10.12.1',
        scripts: { build: 'pnpm -r run build', start: 'pnpm --filter web start' },
      }),
      'pnpm-workspace.yaml': 'packages: ["apps/*", "packages/*"]\n',
      'packages/greet/package.json': json({
        name: '@shop/greet',
        main: 'dist/index.js',
        scripts: { build: 'tsc --outDir dist --module commonjs index.ts' },
        devDependencies: { typescript: '^5.0.0' },
      }),
      'packages/greet/index.ts': "export const greet = (): string => 'Hello of a monorepo'\n",
      'apps/web/package.json': json({
        name: 'web',
        scripts: { start: 'node server.js' },
        dependencies: { '@shop/greet': 'workspace:*', mime: '^3.0.0' },
      }),
      'apps/web/server.js': server(
        `require('@shop/greet').greet() + require('mime').getType('a.txt') + ' compiler: ' + ${isThere('../../packages/greet/node_modules/typescript/package.json')}`,
      ),
    },
    prepare: withNode('npx -y pnpm@10.12.1 install --lockfile-only'),
    asks: [['/', 200, /Hello of a monorepo ?text\/plain compiler: false/]],
  },
  {
    what: 'pnpm of today, which installs nothing at the start',
    files: {
      'package.json': json({
        packageManager: 'pnpm@12.20.0',
        scripts: { start: 'node server.js' },
        dependencies: { mime: '^3.0.0' },
      }),
      'server.js': server(`require('mime').getType('a.txt') + ' cache: ' + ${isThere('.cache')}`),
      Procfile: 'web: pnpm start\n',
    },
    prepare: withNode('npx -y pnpm@12.20.0 install --lockfile-only'),
    asks: [['/', 200, /text\/plain cache: false/]],
  },
  {
    what: 'Yarn of today',
    files: {
      'package.json': json({
        packageManager: 'yarn@4.5.3',
        scripts: {
          build: 'tsc --outDir dist --module commonjs server.ts || true',
          start: 'node dist/server.js',
        },
        dependencies: { mime: '^3.0.0' },
        devDependencies: { typescript: '^5.0.0' },
      }),
      'server.ts': `declare const require: any, process: any, __dirname: string\n${server(`require('mime').getType('a.txt') + ' compiler: ' + ${isThere('../node_modules/typescript')}`)}`,
    },
    prepare: withNode('npx -y @yarnpkg/cli-dist@4.5.3 install --mode=update-lockfile; rm -rf .yarn .pnp.cjs'),
    asks: [['/', 200, /text\/plain compiler: false/]],
  },
  {
    what: 'Django with gunicorn, collected and hashed static files, and a release task',
    files: {
      'manage.py':
        "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n" +
        'from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n',
      'shop/__init__.py': '',
      'shop/settings.py': `import os
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ['SECRET_KEY']
ALLOWED_HOSTS = ['*']
INSTALLED_APPS = ['django.contrib.staticfiles', 'django.contrib.contenttypes', 'django.contrib.sessions']
MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware', 'django.contrib.sessions.middleware.SessionMiddleware']
ROOT_URLCONF = 'shop.urls'
TEMPLATES = [{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'DIRS': [BASE_DIR / 'templates']}]
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/tmp/db'}}
STATIC_URL = '/static/'
STATIC_ROOT = BASE_DIR / 'staticfiles'
STATICFILES_DIRS = [BASE_DIR / 'assets']
STORAGES = {'staticfiles': {'BACKEND': 'whitenoise.storage.CompressedManifestStaticFilesStorage'}}
`,
      'shop/urls.py':
        "from django.shortcuts import render\nfrom django.urls import path\nurlpatterns = [path('', lambda request: render(request, 'index.html', {'scheme': request.scheme}))]\n",
      'shop/wsgi.py':
        "import os\nfrom django.core.wsgi import get_wsgi_application\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\napplication = get_wsgi_application()\n",
      'templates/index.html':
        '{% load static %}<link href="{% static "style.css" %}"><h1>Hello of Django</h1>{{ scheme }}',
      'assets/style.css': 'h1 { color: teal }\n',
      'requirements.txt': 'Django>=4.2\ngunicorn>=20\nwhitenoise\n',
      Procfile: 'web: gunicorn shop.wsgi\nrelease: python manage.py migrate --noinput\n',
    },
    prepare: withDebian(
      'python3-django python3-gunicorn python3-whitenoise',
      'python3 /support/wheels.py wheels',
    ),
    config: ['SECRET_KEY=not-so-secret'],
    asks: [
      ['/', 200, /\/static\/style\.[0-9a-f]{12}\.css.*Hello of Django<\/h1>http$/],
      ['/static/style.css', 200, /teal/],
    ],
    secure: /https$/,
  },
  {
    what: 'FastAPI with uvicorn, which knows who asks and how',
    files: {
      'main.py': `from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/")
def root(request: Request):
    return {"scheme": request.url.scheme, "client": request.client.host}


@app.get("/items/{number}")
async def item(number: int):
    return {"number": number}
`,
      'requirements.txt': 'fastapi\nuvicorn\n',
    },
    prepare: withDebian('python3-fastapi python3-uvicorn', 'python3 /support/wheels.py wheels'),
    asks: [
      ['/', 200, /^\{"scheme":"http","client":"127\.0\.0\.1"\}$/],
      ['/items/3', 200, /^\{"number":3\}$/],
      ['/items/three', 422, /int_parsing/],
      ['/openapi.json', 200, /"FastAPI"/],
    ],
    secure: /"https"/,
  },
  {
    what: 'Sinatra with puma',
    files: {
      Gemfile: gemfile('sinatra', 'puma', 'rackup'),
      'config.ru': "require './app'\nrun Sinatra::Application\n",
      'app.rb':
        'require "sinatra"\n\nget("/") { "Hello of #{request.scheme}" }\nget("/:name") { "Hello #{params["name"]}" }\n',
    },
    prepare: withGems('ruby-sinatra ruby-rackup puma', 'sinatra', 'puma', 'rackup'),
    asks: [
      ['/', 200, /^Hello of http$/],
      ['/zoe', 200, /^Hello zoe$/],
      ['/not/there', 404, /./],
    ],
    secure: /^Hello of https$/,
  },
  {
    what: 'Rails with precompiled assets, a database, and a key that the first deploy makes',
    files: {
      Gemfile: gemfile('rails', 'puma', 'propshaft', 'sqlite3'),
      Rakefile: 'require_relative "config/application"\nRails.application.load_tasks\n',
      'config.ru': 'require_relative "config/environment"\nrun Rails.application\n',
      'bin/rails': `#!/usr/bin/env ruby
APP_PATH = File.expand_path("../config/application", __dir__)
require_relative "../config/boot"
require "rails/commands"
`,
      'config/boot.rb':
        'ENV["BUNDLE_GEMFILE"] ||= File.expand_path("../Gemfile", __dir__)\nrequire "bundler/setup"\n',
      'config/application.rb': `require_relative "boot"
require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"
Bundler.require(*Rails.groups)

module Shop
  class Application < Rails::Application
    config.load_defaults 7.2
    config.eager_load = true
  end
end
`,
      'config/environment.rb': 'require_relative "application"\nRails.application.initialize!\n',
      'config/database.yml': 'production: { adapter: sqlite3, database: /tmp/shop.sqlite3 }\n',
      'config/routes.rb': 'Rails.application.routes.draw { root "pages#show" }\n',
      'app/controllers/pages_controller.rb': `class PagesController < ActionController::Base
  def show = @answer = ActiveRecord::Base.connection.select_value("SELECT 6 * 7")
end
`,
      'app/views/pages/show.html.erb':
        '<%= stylesheet_link_tag "style" %><h1>Hello of Rails</h1><%= @answer %> <%= request.protocol %>',
      'app/assets/stylesheets/style.css': 'h1 { color: teal }\n',
      Procfile: 'web: bin/rails server -b 0.0.0.0 -p $PORT\nrelease: bin/rails db:migrate\n',
    },
    prepare: withGems(
      'ruby-rails ruby-rails-propshaft puma ruby-sqlite3',
      'rails',
      'propshaft',
      'puma',
      'sqlite3',
    ),
    asks: [
      ['/', 200, /href="\/assets\/style-[0-9a-f]{8}\.css".*Hello of Rails<\/h1>42 http:/],
      ['/nothing', 404, /^$/],
    ],
    secure: /42 https:/,
  },
  {
    what: 'Maven with a dependency, shaded into one jar',
    files: mavenApp(21),
    prepare: mavenRepository,
    asks: [['/', 200, /^\{"java":21\}$/]],
  },
  {
    what: 'Go with vendored modules',
    files: {
      'go.mod': 'module example.com/shop\n\ngo 1.22\n\nrequire github.com/gorilla/mux v1.8.1\n',
      'main.go': `package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/gorilla/mux"
)

func main() {
	router := mux.NewRouter()
	router.HandleFunc("/{name}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "Hello", mux.Vars(r)["name"]) })
	_ = http.ListenAndServe(":"+os.Getenv("PORT"), router)
}
`,
      'vendor/modules.txt': '# github.com/gorilla/mux v1.8.1\n## explicit; go 1.20\ngithub.com/gorilla/mux\n',
    },
    prepare: withDebian(
      'golang-github-gorilla-mux-dev',
      'mkdir -p vendor/github.com/gorilla; cp -r /usr/share/gocode/src/github.com/gorilla/mux vendor/github.com/gorilla/',
    ),
    asks: [['/zoe', 200, /Hello zoe/]],
  },
]

test.each(frameworks)('$what', { timeout: 900_000 }, async ({ files, prepare, config, asks, secure }) => {
  const app = appName('framework')
  const clone = await laptop.clone(app, { files: { ...none, ...files } })
  await prepare?.(clone.folder)
  if (config !== undefined) {
    expect((await paas(['apps:create', app])).code).toBe(0)
    expect((await paas(['config:set', '-a', app, ...config])).code).toBe(0)
  }
  const pushed = await clone.deploy()
  expect(pushed.stderr).toMatch(/v\d+ is live/)
  for (const [path, status, body] of asks) {
    const answer = await get(hostOf(app), path)
    expect([path, answer.status]).toEqual([path, status])
    expect(answer.body.replaceAll(/<!--.*?-->/g, '')).toMatch(body)
  }
  if (secure !== undefined) expect(await askedOverTls(app)).toMatch(secure)
})

/** Asks a container as a router does that has been asked over TLS. */
async function askedOverTls(app: string): Promise<string> {
  const [id] = await containersOf(app, { type: 'web' })
  const { NetworkSettings } = await inspect<{
    NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
  }>(id!)
  const [network] = Object.values(NetworkSettings.Networks)
  return mustRun('curl', ['-sSf', '-H', 'X-Forwarded-Proto: https', `http://${network!.IPAddress}:5000/`])
}

describe('WordPress as it is unpacked', () => {
  const app = appName('blog')
  const database = appName('blogdb')
  afterAll(() => paas(['services:destroy', database, '--force', '--confirm', database]))

  test('shows its first page, is installed, and serves', { timeout: 900_000 }, async () => {
    const must = async (...args: string[]): Promise<void> => {
      const { code, output } = await paas(args)
      expect(code, output).toBe(0)
    }
    const clone = await laptop.clone(app, { files: none })
    // Debian has put links to its own copies of libraries into it, some of which are not there, and a configuration.
    const unpack = 'cp -rL /usr/share/wordpress/. . || true; rm -f wp-config.php .htaccess'
    await withDebian('wordpress wordpress-theme-twentytwentyfive', unpack)(clone.folder)
    await must('apps:create', app)
    const bare = await clone.deploy()
    expect(bare.stderr).toMatch(/is live/)
    expect((await get(hostOf(app), '/wp-login.php')).body).toMatch(
      /no database yet: paas services:create mariadb/,
    )
    await must('services:create', 'mariadb', database)
    await must('services:link', database, '-a', app)

    const first = await get(hostOf(app))
    expect([first.status, first.headers.location]).toEqual([
      302,
      expect.stringContaining('/wp-admin/install.php'),
    ])
    expect((await get(hostOf(app), '/wp-admin/install.php')).body).toMatch(/WordPress.*(?:Welcome|language)/s)
    const form = {
      weblog_title: 'Notes',
      user_name: 'zoe',
      admin_password: 'p-1234-p',
      admin_password2: 'p-1234-p',
    }
    const answers = Object.entries({ ...form, pw_weak: 'on', admin_email: 'zoe@example.com', language: '' })
    await mustRun('curl', [
      ...['-sSf', '-H', `Host: ${hostOf(app)}`],
      ...answers.flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]),
      `http://127.0.0.1:${instance.httpPort}/wp-admin/install.php?step=2`,
    ])
    await eventually('the blog is there', 10_000, async () => (await get(hostOf(app))).body.includes('Notes'))
    expect((await get(hostOf(app), '/wp-login.php')).body).toMatch(/user_login/)
    expect((await get(hostOf(app), '/wp-config.php')).status).not.toBe(500)
    expect((await get(hostOf(app), '/?p=1')).body).toMatch(/Notes/)
  })
})
