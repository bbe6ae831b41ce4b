import { containersOf, inspect } from '../support/docker.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { readRouterStats } from '../../src/router/control.ts'
import { get, hostOf, instance, paths } from '../support/instance.ts'
import { childrenOf } from '../support/proc.ts'

/** A web process that serves. `init` is the first process in it, on this machine; `main` is the app's own. */
export type Serving = { id: string; init: number; main: number; url: string }

/** The web containers of an app, each as the router reaches it. */
export async function serving(app: string): Promise<Serving[]> {
  const ids = await containersOf(app, { type: 'web' })
  return Promise.all(ids.map(describe))
}

async function describe(id: string): Promise<Serving> {
  const { State, NetworkSettings } = await inspect<{
    State: { Pid: number }
    NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
  }>(id)
  const [main] = await childrenOf(State.Pid)
  if (main === undefined) throw new Error(`nothing runs in ${id}`)
  return {
    id,
    init: State.Pid,
    main,
    url: `http://${NetworkSettings.Networks[instance.bridge]!.IPAddress}:5000`,
  }
}

/** True where many requests one after the other are all answered well, each within a second. */
export async function nobodyWaits(app: string): Promise<boolean> {
  for (let asked = 0; asked < 60; asked++) {
    const status = get(hostOf(app), '/facts').then(
      (answer) => answer.status,
      () => 0,
    )
    if ((await Promise.race([status, sleep(1000, 0)])) !== 200) return false
  }
  return true
}

/** Whether the router has taken a container out of its choice. */
export async function isEjected({ url }: Serving): Promise<boolean> {
  const { backends } = await readRouterStats(paths.routerSocket)
  return (backends[url]?.ejected ?? null) !== null
}
