import { expect, test } from 'vitest'
import { checksOfHealthcheck } from '../../../src/build/healthcheck.ts'
import { checksWithImage } from '../../../src/deploy/image-checks.ts'
import { Check } from '../../../src/model/check.ts'
import { type Image } from '../../../src/model/release.ts'

const found = {
  command: ['curl', '-f', 'http://localhost'],
  interval: 0,
  timeout: 0,
  startPeriod: 0,
  retries: 0,
}

test('a HEALTHCHECK becomes a check of the start, at once and patient, and one of what runs', () => {
  expect(checksOfHealthcheck(undefined)).toEqual([])
  expect(checksOfHealthcheck(found)).toMatchObject([
    { type: 'startup', wait: 1, attempts: 90 },
    { type: 'startup', command: found.command, timeout: 30, wait: 1, attempts: 90 },
    { type: 'liveness', command: found.command, timeout: 30, wait: 30, attempts: 3, initialDelay: 0 },
  ])
  const own = { ...found, interval: 5, timeout: 2, startPeriod: 60, retries: 4 }
  expect(checksOfHealthcheck(own)).toMatchObject([
    { attempts: 80 },
    { timeout: 2, attempts: 80 },
    { timeout: 2, wait: 5, attempts: 4, initialDelay: 60 },
  ])
})

test.each([0.001, 1e6])('times that we do not take are cut: %d', (seconds) => {
  const odd = { ...found, interval: seconds, timeout: seconds, startPeriod: seconds, retries: 1000 }
  for (const check of checksOfHealthcheck(odd)) expect(Check.safeParse(check).success).toBe(true)
})

test('it counts for web, unless app.json says otherwise', () => {
  const healthcheck = checksOfHealthcheck(found)
  const image = { checks: {}, healthcheck } as unknown as Image
  expect(checksWithImage(image, 'web')).toBe(healthcheck)
  expect(checksWithImage(image, 'worker')).toBeUndefined()
  const web = [Check.parse({ path: '/' })]
  expect(checksWithImage({ ...image, checks: { web } } as unknown as Image, 'web')).toBe(web)
})
