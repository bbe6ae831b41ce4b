import { PaasError, messageOf } from '../errors/paas-error.ts'
import { listeningSockets } from '../lib/listening-sockets.ts'
import { own } from '../lib/own.ts'
import { Check } from '../model/check.ts'
import { type Container } from '../schedulers/scheduler.ts'
import { type DeployContext } from './context.ts'
import { diagnose } from './diagnose.ts'
import { configOf, portOf } from './environment.ts'
import { isWeb } from './formation.ts'
import { checksWithImage } from './image-checks.ts'
import { probe } from './probe.ts'
import { type Candidates, type Healthy, type Released } from './stages.ts'

/** Seconds that a process without a check of its own, and without a port, must stay up. */
const defaultUptime = 5

/**
 * Checks all candidates at once. The first that fails ends it: the reason, likely causes and its last lines
 * are reported, and CHECK_FAILED is thrown. Removing the candidates is the caller's.
 */
export async function proveHealthy(candidates: Candidates, context: DeployContext): Promise<Healthy> {
  context.report({ type: 'stage:began', stage: 'check' })
  const giveUp = new AbortController()
  const signal = AbortSignal.any([giveUp.signal, context.signal])
  try {
    await Promise.all(candidates.started.map((one) => proveOne(one, candidates, { ...context, signal })))
  } catch (error) {
    giveUp.abort()
    throw error
  }
  return candidates as Healthy
}

/** Resolves when one container has passed every startup check of its process type. */
export async function proveOne(
  container: Container,
  released: Released,
  context: DeployContext,
): Promise<void> {
  const { platform, report, signal } = context
  const began = performance.now()
  const exited = new AbortController()
  const port = portOf(released.release, configOf(released.app, released.release, platform.store.secrets))
  const decided = new AbortController()
  const watch = AbortSignal.any([exited.signal, decided.signal, signal])
  const exit = platform.scheduler
    .wait(container.id, AbortSignal.any([decided.signal, signal]))
    .then((end) => {
      exited.abort()
      return describeExit(end)
    })
  const checks = checksOf(container, released).map((check) =>
    probe(check, { container, port, scheduler: platform.scheduler }, watch),
  )
  const problem = await Promise.race([
    exit.catch((error: unknown) => `is gone: ${messageOf(error)}`),
    Promise.all(checks).then(
      () => undefined,
      (error: unknown) => messageOf(error),
    ),
  ])
  // What still runs of the checks and of the waiting would otherwise go on as long as the container does.
  decided.abort()
  signal.throwIfAborted()
  if (problem === undefined) {
    report({ type: 'check:passed', name: container.name, seconds: (performance.now() - began) / 1000 })
    return
  }
  // A check may give up an instant before the engine tells of an exit, which is the reason then.
  const now = await platform.scheduler.inspect(container.id)
  const reason = now?.exit === undefined ? problem : describeExit(now.exit)
  await explain(container, { now, reason, port }, context)
  throw new PaasError('CHECK_FAILED', `${container.name} ${reason}.`)
}

function checksOf(container: Container, { app, release }: Released): Check[] {
  const { type } = container.slot
  const set = own(app.checks ?? {}, type)
  if (set?.length === 0) return [Check.parse({ uptime: 0.5 })]
  const specific = (set ?? checksWithImage(release.image, type) ?? []).filter(
    (check) => check.type === 'startup',
  )
  if (specific.length > 0) return specific
  return [
    isWeb(container) ? Check.parse({ attempts: 120, wait: 0.5 }) : Check.parse({ uptime: defaultUptime }),
  ]
}

const describeExit = ({ code, oomKilled }: { code: number; oomKilled: boolean }): string =>
  `exited with code ${code}${oomKilled ? ', out of memory' : ''}`

async function explain(
  container: Container,
  { now, reason, port }: { now: Container | undefined; reason: string; port: number },
  { platform, report }: DeployContext,
): Promise<void> {
  const lastLines: string[] = []
  if (now !== undefined) {
    for await (const line of platform.scheduler.logs(container.id, { tail: 20 })) lastLines.push(line.text)
  }
  const listening = now?.pid === undefined ? [] : await listeningSockets(now.pid)
  const causes =
    isWeb(container) || now?.exit !== undefined
      ? diagnose({ exit: now?.exit, port, listening, lastLines })
      : []
  report({ type: 'container:failed', name: container.name, reason, causes, lastLines })
}
