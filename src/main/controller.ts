import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { authorise } from '../api/authorise.ts'
import { answerGit } from '../api/git-request.ts'
import { startApi } from '../api/server.ts'
import { writeAuthorizedKeys } from '../apps/authorized-keys.ts'
import { drainUrl } from '../apps/drains.ts'
import { type Platform } from '../apps/platform.ts'
import { keepBackupSchedules } from '../backups/schedule.ts'
import { loadBuildpacks } from '../build/buildpack.ts'
import { runCommandLine } from '../commands/program.ts'
import { commands } from '../commands/registry.ts'
import { answerPush } from '../deploy/answer-push.ts'
import { adoptCronRuns, keepCron } from '../cron/keeper.ts'
import { createRunningBuilds } from '../deploy/running-builds.ts'
import { containerEvents } from '../docker/events.ts'
import { messageOf } from '../errors/paas-error.ts'
import { archiveCommit } from '../git/archive-commit.ts'
import { cloneArchive } from '../git/clone.ts'
import { gitConfig } from '../git/config.ts'
import { resolveCommit } from '../git/resolve-commit.ts'
import { instancePaths } from '../lib/paths.ts'
import { createQueues } from '../lib/queues.ts'
import { trackTasks } from '../lib/tasks.ts'
import { removeUnfinished, writeFileAtomically } from '../lib/write-file.ts'
import { faultPoint } from '../lib/fault-point.ts'
import { openLogBook } from '../logs/book.ts'
import { createCollector } from '../logs/collect.ts'
import { createDrainKeeper } from '../logs/drain-keeper.ts'
import { followContainers } from '../logs/follow-containers.ts'
import { openPositions } from '../logs/positions.ts'
import { followRouter } from '../logs/router-lines.ts'
import { AppName } from '../model/names.ts'
import { removeBuildFolders } from '../reconcile/leftovers.ts'
import { keepAlive } from '../reconcile/liveness.ts'
import { runReconciler } from '../reconcile/reconciler.ts'
import { keepStateBackups } from '../recovery/keep-state-backups.ts'
import { prepareState } from '../recovery/prepare-state.ts'
import { removeAbandoned } from '../run/abandoned.ts'
import { createCrashes } from '../schedulers/crashes.ts'
import { dockerLocal } from '../schedulers/docker-local/docker-local.ts'
import { readAccounts } from '../setup/accounts.ts'
import { readInstance } from '../setup/read-instance.ts'
import { watchEpoch } from '../store/epoch.ts'
import { connectRedis, redisReady } from '../store/redis.ts'
import { createSecrets } from '../store/secrets.ts'
import { createStore } from '../store/store.ts'
import { preparedEngine } from './prepared-engine.ts'

/** The controller: the one process that opens the Docker socket, and the one writer of state. */
const log = pino({ base: { process: 'controller' }, level: process.env['PAAS_LOG_LEVEL'] ?? 'info' })
const paths = instancePaths(process.env['PAAS_ROOT'] ?? '/')
const instance = await readInstance(paths)
if (instance === undefined) {
  log.fatal(`there are no settings at ${paths.settings}; set an instance up with bin/setup`)
  process.exit(1)
}

const startedAt = new Date()
let adopted = false
const stopping = new AbortController()
const tasks = trackTasks((what, error) => log.error({ err: error }, `could not ${what}`))
const redis = connectRedis({
  path: paths.redisSocket,
  username: 'controller',
  password: (await readFile(paths.redisControllerPassword, 'utf8')).trim(),
  name: 'controller',
})
const epoch = watchEpoch(redis, paths.epoch)
const { engine, prepare, admit } = preparedEngine(instance)
const now = () => new Date()
const store = createStore(redis, createSecrets(await readFile(paths.masterKey)))
const logs = openLogBook(paths.appLogs)
const scheduler = dockerLocal(engine, instance, (id) => collector.settled(id))
const positions = await openPositions(join(paths.appLogs, 'positions.json'))
const collector = createCollector({ scheduler, book: logs, positions, log, signal: stopping.signal })
const platform: Platform = {
  instance,
  paths,
  store,
  ensureState: epoch.ensure,
  engine,
  scheduler,
  crashes: createCrashes(() => performance.now()),
  buildpacks: () => loadBuildpacks([join(import.meta.dirname, '../../buildpacks'), paths.buildpacks]),
  archive: (app, commit) => archiveCommit(paths, app.id, commit),
  commitOf: (app, name) => resolveCommit(paths, app.id, name),
  clone: (url, signal) => cloneArchive(paths, url, signal),
  queues: createQueues(now),
  logs,
  drains: createDrainKeeper({
    file: join(paths.appLogs, 'drains.json'),
    book: logs,
    apps: () => store.apps.list(),
    urlOf: (app, drain) => drainUrl({ store }, app, drain),
    log,
  }),
  builds: createRunningBuilds(),
  log,
  observe: faultPoint(process.env['PAAS_FAULT_FILE']),
  background: tasks.run,
  now,
}

const state = prepareState(platform, epoch)

await removeBuildFolders(paths.builds)
for (const folder of [paths.etc, paths.lib, paths.appLogs, dirname(paths.authorizedKeys)])
  await removeUnfinished(folder)
await writeFileAtomically(paths.gitConfig, gitConfig(), 0o644)
const sshGroup = (await readAccounts()).get(instance.user)?.gid
const api = await startApi({
  rootSocket: paths.rootSocket,
  sshSocket: paths.sshSocket,
  ...(sshGroup !== undefined && { sshGroup }),
  async findKey(id) {
    const key = await platform.store.sshKeys.get(id)
    if (key === undefined) await epoch.ensure()
    return key
  },
  handlers: {
    async command({ argv }, { io, identity, signal }) {
      await state.admit(argv[0])
      return runCommandLine(commands, argv, { platform, identity, io, signal }, authorise)
    },
    async git(request, session) {
      await state.admit('git')
      return answerGit(platform, request, session)
    },
    async push(request, session) {
      await state.admit('push')
      return answerPush(platform, request, session, authorise)
    },
  },
  log,
})
log.info({ socket: paths.rootSocket }, 'serving commands')
platform.background('write authorized_keys', async () => {
  await redisReady(redis, 60_000)
  // A Redis that has lost its data must not shut everybody out.
  await state.verify()
  await writeAuthorizedKeys(platform)
})

const reconciling = runReconciler({
  platform,
  verifyState: state.verify,
  async prepareEngine() {
    const version = await prepare()
    await removeAbandoned(platform, startedAt)
    if (!adopted) await adoptCronRuns(platform)
    adopted = true
    log.info({ docker: version }, 'reconciling')
  },
  engineReady: admit,
  events: (signal) => containerEventsOfOurs(signal),
  signal: stopping.signal,
})

const containerEventsOfOurs = (signal: AbortSignal) =>
  containerEvents(engine.docker, `paas.instance=${instance.name}`, signal)
const collecting = Promise.all([
  followContainers({ collector, events: containerEventsOfOurs, log, signal: stopping.signal }),
  followRouter({
    path: paths.accessLog,
    book: logs,
    findApp: async (name) => {
      const parsed = AppName.safeParse(name)
      return parsed.success ? platform.store.apps.find(parsed.data) : undefined
    },
    log,
    signal: stopping.signal,
  }),
])

const running = stateReady().then(() =>
  Promise.all([
    keepCron(platform, stopping.signal),
    keepAlive(platform, stopping.signal),
    keepBackupSchedules(platform, stopping.signal),
    keepStateBackups(platform, state.verify, stopping.signal),
    platform.drains.run(stopping.signal),
  ]),
)

/** Resolves once there is a state to work with, or when this process stops. The reconciler says what is wrong. */
async function stateReady(): Promise<void> {
  while (!stopping.signal.aborted) {
    try {
      return await state.verify()
    } catch {
      await sleep(500, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }
}

/** Deploys that run are cancelled: nothing of theirs is live yet, and their clients are told. */
async function stop(signal: string): Promise<void> {
  if (stopping.signal.aborted) return
  log.info({ signal }, 'stopping')
  stopping.abort()
  await api.close(10_000)
  await reconciling
  const cutOff = await tasks.settled(35_000)
  if (cutOff.length > 0) log.warn({ cutOff }, 'stopping without waiting any longer')
  await collecting
  await running
  await logs.close()
  await positions.save()
  redis.disconnect()
  process.exit(0)
}
process.on('SIGTERM', (signal) => void stop(signal))
process.on('SIGINT', (signal) => void stop(signal))
process.on('unhandledRejection', (error) => log.error({ err: error }, `unhandled: ${messageOf(error)}`))
