import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../support/docker.ts'
import { withDebian, withNode } from '../support/in-container.ts'
import { get, hostOf, instance, paas } from '../support/instance.ts'
import { gradleApp, gradleRepository, mavenApp, mavenRepository } from '../support/java-apps.ts'
import { appName, type Clone, createLaptop, type Files } from '../support/laptop.ts'
import { dockerBuild, install } from '../support/registry.ts'
import { type PackageIndex, startPackageIndex } from '../support/package-index.ts'

// On demand, as they install much: apps with the wrappers that Gradle and Maven give out, whose distributions are made
// of Debian's packages, because their own servers cannot be reached everywhere.

const laptop = await createLaptop('wrappers')
/** Has the libraries where Debian's Gradle looks for them, wherever it is itself. */
const withLibraries = `paas-test/gradle-libraries:${instance.name}`
let wrappers: string
let distributions: string

beforeAll(async () => {
  wrappers = await mkdtemp(join(tmpdir(), 'paas-wrappers-'))
  distributions = await mkdtemp(join(tmpdir(), 'paas-distributions-'))
  await withNode(
    'npm pack generator-jhipster@9.4.0 && tar -xzf generator-jhipster-*.tgz --strip-components=5 ' +
      'package/dist/generators/java-simple-application/generators',
  )(wrappers)
  await withDebian(
    'gradle maven zip',
    'cp -rL /usr/share/gradle gradle-4.4.1; cp -rL /usr/share/maven apache-maven-3.9.9; ' +
      'for name in gradle-4.4.1 apache-maven-3.9.9; do zip -qr $name-bin.zip $name; rm -r $name; done',
  )(distributions)
  await dockerBuild(
    withLibraries,
    `FROM paas/base:trixie\nRUN mkdir -p /usr/share/man/man1\n${install('gradle')}`,
  )
}, 600_000)
afterAll(async () => {
  await laptop[Symbol.asyncDispose]()
  await docker('rmi', '--force', withLibraries)
  await Promise.all([wrappers, distributions].map((folder) => rm(folder, { recursive: true })))
})

type Tool = {
  tool: string
  files: Files
  repository: (folder: string) => Promise<string>
  /** What of the wrapper is in the repository. */
  wrapper: string[]
  properties: string
  archive: string
  config?: string
  base?: string
}
const tools: Tool[] = [
  {
    tool: 'gradle',
    files: gradleApp,
    repository: gradleRepository,
    wrapper: ['gradlew', 'gradle/wrapper/gradle-wrapper.jar'],
    properties: 'gradle/wrapper/gradle-wrapper.properties',
    archive: 'gradle-4.4.1-bin.zip',
    // Debian's starts itself so, because it is older than Java's modules.
    config: 'GRADLE_OPTS=--add-opens=java.base/java.lang=ALL-UNNAMED',
    base: withLibraries,
  },
  {
    tool: 'maven',
    files: mavenApp(21),
    repository: mavenRepository,
    wrapper: ['mvnw'],
    properties: '.mvn/wrapper/maven-wrapper.properties',
    archive: 'apache-maven-3.9.9-bin.zip',
  },
]

describe.each(tools)('$tool', ({ tool, files, repository, wrapper, properties, archive, config, base }) => {
  const app = appName(tool)
  const nothing: Files = { Procfile: null, 'package.json': null, 'server.js': null, 'version.js': null }
  const naming = (address: string): Files => ({
    [properties]: [
      'distributionBase=GRADLE_USER_HOME',
      'distributionPath=wrapper/dists',
      'zipStoreBase=GRADLE_USER_HOME',
      'zipStorePath=wrapper/dists',
      `distributionUrl=${address}/${archive}`,
      '',
    ].join('\n'),
  })
  let clone: Clone
  let server: PackageIndex
  beforeAll(async () => {
    server = await startPackageIndex('', { folder: distributions })
    clone = await laptop.clone(app, {
      files: { ...nothing, ...files, ...naming('https://distributions.invalid') },
    })
    await repository(clone.folder)
    for (const file of wrapper) {
      await mkdir(dirname(join(clone.folder, file)), { recursive: true })
      await copyFile(join(wrappers, tool, 'templates', file), join(clone.folder, file))
    }
    expect((await paas(['apps:create', app])).code).toBe(0)
    if (base !== undefined) expect((await paas(['base:set', '-a', app, base])).code).toBe(0)
    if (config !== undefined) expect((await paas(['config:set', '-a', app, config])).code).toBe(0)
  }, 300_000)

  test('that cannot be fetched is said in a line', { timeout: 300_000 }, async () => {
    await clone.commit({})
    const push = await clone.push()
    expect(push.code).not.toBe(0)
    expect(push.stderr).toMatch(/The wrapper could not fetch its Gradle or Maven: let distributionUrl/)
  })

  test('is fetched by its wrapper once, and builds', { timeout: 600_000 }, async () => {
    const first = await clone.deploy(naming(server.url))
    expect(first.stderr).not.toMatch(/install \S.* maven/)
    expect((await get(hostOf(app))).body).toBe('{"java":21}')
    await server[Symbol.asyncDispose]()
    await clone.deploy({ 'src/main/java/shop/Note.java': 'package shop;\n\nclass Note {}\n' })
    expect((await get(hostOf(app))).body).toBe('{"java":21}')
  })
})
