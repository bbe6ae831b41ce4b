import { describe, expect, it } from 'vitest'
import { parseHost, parseRemoteUrl } from '../../../src/client/remote-url.ts'
import { takeRemoteFlag, withApp } from '../../../src/client/remote.ts'

describe('parseRemoteUrl', () => {
  it.each([
    ['paas@example.com:blog', { user: 'paas', host: 'example.com', app: 'blog' }],
    ['paas@example.com:/blog.git', { user: 'paas', host: 'example.com', app: 'blog' }],
    ['example.com:blog', { user: 'paas', host: 'example.com', app: 'blog' }],
    ['ssh://paas@example.com/blog', { user: 'paas', host: 'example.com', app: 'blog' }],
    [
      'ssh://deploy@example.com:2222/blog.git',
      { user: 'deploy', host: 'example.com', port: 2222, app: 'blog' },
    ],
    ['ssh://[2001:db8::1]:22/blog', { user: 'paas', host: '2001:db8::1', port: 22, app: 'blog' }],
    ['paas@[2001:db8::1]:blog', { user: 'paas', host: '2001:db8::1', app: 'blog' }],
  ])('%s', (url, remote) => {
    expect(parseRemoteUrl(url)).toEqual(remote)
  })

  it.each([
    'https://example.com/blog',
    'git://example.com/blog',
    '/srv/blog',
    '../blog',
    'file:///srv/blog',
    'ssh://-oProxyCommand=id/blog',
    '-oProxyCommand=id:blog',
    'ssh://paas@-oProxyCommand=id/blog',
    'paas@-x:blog',
    'ssh://-x@host/blog',
    'ssh://paas@host:99999/blog',
    'ssh://paas@host:0/blog',
    'ssh://pa as@host/blog',
    '',
  ])('%j is none', (url) => {
    expect(parseRemoteUrl(url)).toBeUndefined()
  })
})

describe('parseHost', () => {
  it.each([
    ['example.com', undefined, { user: 'paas', host: 'example.com' }],
    ['me@example.com', '2222', { user: 'me', host: 'example.com', port: 2222 }],
    ['example.com:2200', undefined, { user: 'paas', host: 'example.com', port: 2200 }],
    ['[::1]:2200', undefined, { user: 'paas', host: '::1', port: 2200 }],
  ])('%s %s', (text, port, server) => {
    expect(parseHost(text, port)).toEqual(server)
  })

  it.each([
    ['-oProxyCommand=x', undefined],
    ['host', 'x'],
    ['host', '0'],
    ['a b', undefined],
    ['', undefined],
  ])('%j %j is none', (text, port) => {
    expect(parseHost(text, port)).toBeUndefined()
  })
})

describe('withApp', () => {
  it.each([
    [['ps'], ['ps', '--app', 'blog']],
    [
      ['scale', 'web=2'],
      ['scale', '--app', 'blog', 'web=2'],
    ],
    [
      ['ps', '-a', 'shop'],
      ['ps', '-a', 'shop'],
    ],
    [
      ['ps', '-ashop'],
      ['ps', '-ashop'],
    ],
    [
      ['ps', '--app=shop'],
      ['ps', '--app=shop'],
    ],
    [
      ['run', '--', 'x', '--app', 'y'],
      ['run', '--app', 'blog', '--', 'x', '--app', 'y'],
    ],
    [['--help'], ['--help']],
    [
      ['help', 'ps'],
      ['help', 'ps'],
    ],
    [[], []],
    [
      ['scale', '--apparent'],
      ['scale', '--app', 'blog', '--apparent'],
    ],
  ])('%j', (argv, expected) => {
    expect(withApp(argv, 'blog')).toEqual(expected)
    expect(withApp(argv, undefined)).toEqual(argv)
  })
})

describe('takeRemoteFlag', () => {
  it.each([
    [['ps', '--remote', 'stage', '-a', 'x'], { name: 'stage', rest: ['ps', '-a', 'x'] }],
    [['ps', '--remote=stage'], { name: 'stage', rest: ['ps'] }],
    [['run', '--', '--remote', 'x'], { name: undefined, rest: ['run', '--', '--remote', 'x'] }],
    [['ps'], { name: undefined, rest: ['ps'] }],
  ])('%j', (argv, expected) => {
    expect(takeRemoteFlag(argv)).toEqual(expected)
  })

  it('needs a name', () => {
    expect(() => takeRemoteFlag(['ps', '--remote'])).toThrow('needs the name')
    expect(() => takeRemoteFlag(['ps', '--remote='])).toThrow('needs the name')
  })
})
