import { readdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp } from '../../../src/apps/create.ts'
import { deploy } from '../../../src/deploy/push.ts'
import { AppName } from '../../../src/model/names.ts'
import { platformWithoutEngine } from '../../support/platform.ts'
import { startState, type State } from '../../support/redis.ts'

let state: State
beforeAll(async () => {
  state = await startState()
})
afterAll(() => state[Symbol.asyncDispose]())

test('an interrupt ends a push whose source does not come, and frees the app', async () => {
  const platform = platformWithoutEngine(state)
  const app = await createApp(platform, AppName.parse('blog'), 'root')
  const abort = new AbortController()
  const reading = Promise.withResolvers<void>()
  // As a client that has been stopped: it is asked for more, and nothing comes.
  const archive = () => new Readable({ read: () => reading.resolve() })
  const push = { app, branch: 'main', commit: '1a2b3c4d'.repeat(5), archive }
  const context = { platform, actor: 'root', report: () => undefined, signal: abort.signal }
  const pushed = deploy(push, context)
  await reading.promise
  expect(platform.queues.current(app.id)).toMatchObject({ verb: 'push' })
  const began = performance.now()
  abort.abort(new DOMException('interrupted', 'AbortError'))
  await expect(pushed).rejects.toThrow('interrupted')
  expect(performance.now() - began).toBeLessThan(1000)
  expect(platform.queues.current(app.id)).toBeUndefined()
  const left = await readdir(state.paths.builds, { recursive: true, withFileTypes: true })
  expect(left.filter((entry) => entry.isFile() && entry.name.endsWith('.tar'))).toEqual([])
})
