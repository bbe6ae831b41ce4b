import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeLine, encodeLine, isOf, type LogLine, paddedTime } from '../../../src/logs/line.ts'
import { renderLine } from '../../../src/logs/render.ts'
import { parseAccessLine } from '../../../src/logs/router-lines.ts'
import { parseDrainUrl, shownUrl } from '../../../src/logs/sender.ts'
import { syslogFrame } from '../../../src/logs/syslog.ts'

const example: LogLine = {
  time: '2026-11-20T15:04:05.123456789Z',
  source: 'app',
  process: 'web.1',
  stream: 'stderr',
  text: 'naïve ✓',
}

test('a stored line is one line of text, and reads back to what it was', () => {
  fc.assert(
    fc.property(
      fc.record({ text: fc.string({ unit: 'binary' }), container: fc.string() }),
      ({ text, container }) => {
        const line = { ...example, text, container }
        const stored = encodeLine(line)
        expect(stored.indexOf('\n')).toBe(stored.length - 1)
        expect(decodeLine(stored)).toEqual(line)
      },
    ),
  )
  expect(decodeLine('["2026-11-2')).toBeUndefined()
  expect(decodeLine('{}')).toBeUndefined()
})

test('times get nine digits, so that text order is time order', () => {
  expect(paddedTime('2026-11-20T15:04:05.12Z')).toBe('2026-11-20T15:04:05.120000000Z')
  expect(paddedTime('2026-11-20T15:04:05Z')).toBe('2026-11-20T15:04:05.000000000Z')
})

test('a process is named by itself or its type, and not by a type that it begins with', () => {
  expect(isOf(example, undefined)).toBe(true)
  expect(isOf(example, 'web')).toBe(true)
  expect(isOf(example, 'web.1')).toBe(true)
  expect(isOf(example, 'we')).toBe(false)
  expect(isOf({ process: 'web.11' }, 'web.1')).toBe(false)
})

test('is shown as Heroku shows it', () => {
  expect(renderLine(example, false)).toBe('2026-11-20T15:04:05.123456+00:00 app[web.1]: naïve ✓\n')
  expect(renderLine(example, true)).toMatch(/^\x1b\[3[1-6]m2026.*app\[web\.1\]:\x1b\[0m naïve ✓\n$/)
})

test('is framed for syslog by its bytes, with the severity of its stream', () => {
  const frame = syslogFrame('blog', example)
  const [, length, message] = /^(\d+) (.*)$/s.exec(frame)!
  expect(Number(length)).toBe(Buffer.byteLength(message!))
  expect(message).toBe('<131>1 2026-11-20T15:04:05.123456Z blog app web.1 - - naïve ✓')
  expect(syslogFrame('blog', { ...example, stream: 'stdout' })).toContain('<134>1 ')
})

describe('a line of the access log', () => {
  test('becomes what people read, for the app that its route names', () => {
    const text =
      '::ffff:10.0.0.1 - - [20/Nov/2026:15:04:05 +0000] "GET /a?b=1 HTTP/1.1" 200 12 "" "curl" "blog" 0.012 0.01'
    expect(parseAccessLine(text)).toEqual({
      identifier: 'blog',
      time: new Date('2026-11-20T15:04:05Z'),
      text: 'GET /a?b=1 HTTP/1.1 200 12 bytes 12 ms from 10.0.0.1',
    })
  })

  test('of another shape is left out', () => {
    expect(parseAccessLine('')).toBeUndefined()
    expect(parseAccessLine('10.0.0.1 - - [now] "GET / HTTP/1.1" 200')).toBeUndefined()
  })
})

describe('the URL of a drain', () => {
  test.each(['syslog://h:514', 'syslog+tls://h:6514', 'http://h/x', 'https://u:p@h/x?k=1'])('%s', (url) => {
    expect(parseDrainUrl(url).href).toContain('h')
  })
  test.each(['syslog://h', 'ftp://h', 'h:514', '', 'file:///etc/passwd', 'http://h/%E9'])('not %j', (url) => {
    expect(() => parseDrainUrl(url)).toThrow('not the URL of a place that takes logs')
  })
  test('is shown without what is secret in it', () => {
    expect(shownUrl('https://user:secret@h/x?token=secret')).toBe('https://user:••••@h/x?••••')
    expect(shownUrl('https://token@h/é')).toBe('https://••••@h/é')
  })
})
