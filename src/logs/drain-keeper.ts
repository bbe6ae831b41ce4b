import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger } from 'pino'
import { z } from 'zod'
import { messageOf } from '../errors/paas-error.ts'
import { writeFileAtomically } from '../lib/write-file.ts'
import { type App } from '../model/app.ts'
import { type LogBook } from './book.ts'
import { drain, type DrainState } from './drain.ts'

/** Milliseconds between two looks at which drains there are. */
const lookEvery = 2000

const Stored = z.record(z.string(), z.object({ next: z.int(), sent: z.int(), dropped: z.int() }))

export type DrainStats = { sent: number; dropped: number; problem: string | null }

export type DrainKeeper = {
  /** How a drain does; undefined where it has not been started yet. */
  stats: (id: string) => DrainStats | undefined
  /** Keeps all drains going until the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>
}

/** Runs the drains of all apps. How far each is survives restarts, in a file. */
export function createDrainKeeper(options: {
  file: string
  book: LogBook
  apps: () => Promise<App[]>
  /** The URL of a drain, opened. */
  urlOf: (app: App, drain: { id: string; url: string }) => string
  log: Logger
}): DrainKeeper {
  const { file, book, apps, urlOf, log } = options
  /** By drain and ring: `d123 app`. */
  const states = new Map<string, DrainState>()
  const running = new Map<string, { stop: AbortController; done: Promise<void>; name: string }>()

  async function start(app: App, found: { id: string; url: string }, signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    const both = AbortSignal.any([stop.signal, signal])
    const url = new URL(urlOf(app, found))
    const rings = await book.rings(app.id)
    const done = Promise.all(
      (['app', 'router'] as const).map((name) => {
        const key = `${found.id} ${name}`
        const state = states.get(key) ?? { next: rings[name].end(), sent: 0, dropped: 0, problem: undefined }
        states.set(key, state)
        return drain(rings[name], url, app.name, state, both)
      }),
    )
      .catch((error: unknown) => log.error({ app: app.name, reason: messageOf(error) }, 'a drain ended'))
      .then(() => undefined)
    running.set(found.id, { stop, done, name: app.name })
  }

  async function look(signal: AbortSignal): Promise<void> {
    const wanted = (await apps()).flatMap((app) => (app.drains ?? []).map((found) => ({ app, found })))
    for (const [id, { stop, name }] of running) {
      const still = wanted.find(({ found }) => found.id === id)
      // The name of the app is in what is sent.
      if (still?.app.name === name) continue
      stop.abort()
      running.delete(id)
      if (still === undefined) for (const ring of ['app', 'router']) states.delete(`${id} ${ring}`)
    }
    for (const { app, found } of wanted) if (!running.has(found.id)) await start(app, found, signal)
    await save()
  }

  let saved = ''
  async function save(): Promise<void> {
    const text = `${JSON.stringify(Object.fromEntries([...states].map(([key, { next, sent, dropped }]) => [key, { next, sent, dropped }])))}\n`
    if (text !== saved) await writeFileAtomically(file, text, 0o600)
    saved = text
  }

  return {
    stats(id) {
      const own = ['app', 'router'].flatMap((ring) => states.get(`${id} ${ring}`) ?? [])
      if (own.length === 0) return undefined
      return {
        sent: own.reduce((sum, { sent }) => sum + sent, 0),
        dropped: own.reduce((sum, { dropped }) => sum + dropped, 0),
        problem: own.find(({ problem }) => problem !== undefined)?.problem ?? null,
      }
    },

    async run(signal) {
      for (const [key, found] of Object.entries(await readStored(file))) {
        states.set(key, { ...found, problem: undefined })
      }
      while (!signal.aborted) {
        await look(signal).catch((error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'cannot look at drains now')
        })
        await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
      }
      await Promise.all([...running.values()].map(({ done }) => done))
      await save()
    },
  }
}

async function readStored(file: string): Promise<z.infer<typeof Stored>> {
  try {
    return Stored.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return {}
  }
}
