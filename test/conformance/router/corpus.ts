import { type Recorded } from './recorder.ts'

/** What must become of a case. */
export type Expectation =
  /** Refused with one of these statuses; the backend sees only the first `before` requests whole. */
  | { kind: 'refuse'; statuses: number[]; before: number }
  /** Passed on: this many requests, which `check` looks at; answers begin with these statuses. */
  | { kind: 'forward'; statuses: number[]; check: ((messages: Recorded[]) => boolean) | undefined }
  /** Refused (4xx, 5xx or closed without a word), or passed on as exactly `count` sound requests. */
  | { kind: 'either'; count: number; check: ((messages: Recorded[]) => boolean) | undefined }

export type Case = { category: string; name: string; bytes: string; expect: Expectation }

const refuse = (...statuses: number[]): Expectation => ({
  kind: 'refuse',
  statuses: statuses.length === 0 ? [400] : statuses,
  before: 0,
})
const refuseAfter = (before: number, ...statuses: number[]): Expectation => ({
  kind: 'refuse',
  statuses,
  before,
})
/** Nothing comes back, because the message never became whole. */
const incomplete: Expectation = { kind: 'refuse', statuses: [], before: 0 }
const forward = (check?: (messages: Recorded[]) => boolean, statuses = [200]): Expectation => ({
  kind: 'forward',
  statuses,
  check,
})
const either = (check?: (messages: Recorded[]) => boolean, count = 1): Expectation => ({
  kind: 'either',
  count,
  check,
})

const host = 'Host: good.test\r\n'
const get = (fields: string, target = '/x'): string => `GET ${target} HTTP/1.1\r\n${host}${fields}\r\n`
const line = (text: string): string => `${text}\r\n${host}\r\n`
const post = (fields: string, body: string, method = 'POST'): string =>
  `${method} /x HTTP/1.1\r\n${host}${fields}\r\n${body}`
const chunked = (body: string, method = 'POST'): string =>
  post('Transfer-Encoding: chunked\r\n', body, method)

const values = (message: Recorded | undefined, name: string): string[] =>
  (message?.fields ?? []).filter(([field]) => field.toLowerCase() === name).map(([, value]) => value)
const lacks =
  (name: string) =>
  ([message]: Recorded[]): boolean =>
    values(message, name).length === 0
const has =
  (name: string, value: string) =>
  ([message]: Recorded[]): boolean =>
    values(message, name).length === 1 && values(message, name)[0] === value
const body =
  (text: string) =>
  ([message]: Recorded[]): boolean =>
    message?.body === text
const both =
  (...checks: ((messages: Recorded[]) => boolean)[]) =>
  (messages: Recorded[]): boolean =>
    checks.every((check) => check(messages))
const target =
  (text: string) =>
  ([message]: Recorded[]): boolean =>
    message?.target === text
const long = (length: number): string => 'a'.repeat(length)
const ownClient = has('x-forwarded-for', '127.0.0.1')

const table: Record<string, [string, string, Expectation][]> = {
  'request line': [
    ['plain', get(''), forward(target('/x'))],
    ['bare LF', `GET /x HTTP/1.1\n${host}\r\n`, refuse()],
    ['bare LF throughout', 'GET /x HTTP/1.1\nHost: good.test\n\n', refuse()],
    ['bare CR', `GET /x HTTP/1.1\r${host}\r\n`, refuse()],
    ['CR in the target', line('GET /x\r HTTP/1.1'), refuse()],
    ['one empty line first', `\r\n${get('')}`, forward()],
    ['bare LF first', `\n${get('')}`, refuse()],
    ['20 KB of empty lines first', '\r\n'.repeat(10_000) + get(''), refuse()],
    ['two spaces', line('GET  /x HTTP/1.1'), refuse()],
    ['tab for space', line('GET\t/x\tHTTP/1.1'), refuse()],
    ['tab after the target', line('GET /x\tHTTP/1.1'), refuse()],
    ['trailing space', line('GET /x HTTP/1.1 '), refuse()],
    ['leading space', line(' GET /x HTTP/1.1'), refuse()],
    ['space in the target', line('GET /x y HTTP/1.1'), refuse()],
    ['lower-case method', line('get /x HTTP/1.1'), refuse()],
    ['method is no token', line('G@T /x HTTP/1.1'), refuse()],
    ['method with a colon', line('GET: /x HTTP/1.1'), refuse()],
    ['endless method', line(`${'A'.repeat(5000)} /x HTTP/1.1`), refuse(400, 501)],
    ['unknown method', line('PURGE /x HTTP/1.1'), forward(([message]) => message?.method === 'PURGE')],
    ['version 2.0', line('GET /x HTTP/2.0'), refuse(505)],
    ['version 2.0 of a POST', line('POST /x HTTP/2.0'), refuse(505)],
    ['version 3.0 of a PROPFIND', line('PROPFIND /x HTTP/3.0'), refuse(505)],
    ['version 1.2', line('GET /x HTTP/1.2'), refuse(505)],
    ['version 0.9', line('GET /x HTTP/0.9'), refuse()],
    ['version 01.1', line('GET /x HTTP/01.1'), refuse()],
    ['version 1.10', line('GET /x HTTP/1.10'), refuse()],
    ['version 1,1', line('GET /x HTTP/1,1'), refuse()],
    ['lower-case version', line('GET /x http/1.1'), refuse()],
    ['other protocol', line('GET /x HTTPS/1.1'), refuse()],
    ['no version', `GET /x\r\n${host}\r\n`, refuse()],
    ['HTTP/0.9 style', 'GET /x\r\n', refuse()],
    ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', refuse(400, 505)],
    ['target of 8000 bytes', get('', `/${long(7999)}`), forward(target(`/${long(7999)}`))],
    ['target of 8193 bytes', get('', `/${long(8192)}`), refuse(414)],
    ['target of 70 KB', get('', `/${long(70_000)}`), refuse(414)],
    ['NUL in the target', line('GET /x\0y HTTP/1.1'), refuse()],
    ['control byte in the target', line('GET /x\x01y HTTP/1.1'), refuse()],
    ['DEL in the target', line('GET /x\x7fy HTTP/1.1'), refuse()],
    ['high byte in the target', line('GET /x\xe4y HTTP/1.1'), refuse()],
    ['fragment', line('GET /x#y HTTP/1.1'), refuse()],
    ['relative target', line('GET x HTTP/1.1'), refuse()],
    ['query alone', line('GET ?x HTTP/1.1'), refuse()],
    ['backslash', line('GET /x\\y HTTP/1.1'), refuse()],
    ['asterisk with GET', line('GET * HTTP/1.1'), refuse()],
    ['asterisk with OPTIONS', line('OPTIONS * HTTP/1.1'), forward(target('*'))],
    ['CONNECT', 'CONNECT good.test:443 HTTP/1.1\r\nHost: good.test:443\r\n\r\n', refuse(400, 405)],
    ['CONNECT in origin-form', line('CONNECT /x HTTP/1.1'), refuse(405)],
    ['TRACE', line('TRACE /x HTTP/1.1'), refuse(405)],
    ['TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', refuse()],
    ['dot segments', get('', '/a/../b'), forward(target('/a/../b'))],
    ['encoded slash', get('', '/a%2f..%2Fb'), forward(target('/a%2f..%2Fb'))],
    ['double slash', get('', '//x//y'), forward(target('//x//y'))],
    ['query with brackets', get('', '/x?a[]={b}|c'), forward(target('/x?a[]={b}|c'))],
    ['empty', '\r\n\r\n', refuse(400)],
  ],
  host: [
    [
      'white space around',
      'GET /x HTTP/1.1\r\nX-A: b\r\nHost:\tgood.test \t\r\nX-B: c\r\n\r\n',
      forward(both(has('host', 'good.test'), has('x-a', 'b'), has('x-b', 'c'))),
    ],
    ['missing', 'GET /x HTTP/1.1\r\n\r\n', refuse()],
    ['missing in HTTP/1.0', 'GET /x HTTP/1.0\r\n\r\n', refuse()],
    ['twice the same', get(host), refuse()],
    ['twice, different', get('Host: other.test\r\n'), refuse()],
    ['twice, other case', get('HOST: other.test\r\n'), refuse()],
    ['list', 'GET /x HTTP/1.1\r\nHost: good.test, other.test\r\n\r\n', refuse()],
    ['userinfo', 'GET /x HTTP/1.1\r\nHost: user@good.test\r\n\r\n', refuse()],
    ['path', 'GET /x HTTP/1.1\r\nHost: good.test/y\r\n\r\n', refuse()],
    ['query', 'GET /x HTTP/1.1\r\nHost: good.test?y\r\n\r\n', refuse()],
    ['fragment', 'GET /x HTTP/1.1\r\nHost: good.test#y\r\n\r\n', refuse()],
    ['space inside', 'GET /x HTTP/1.1\r\nHost: good.test other.test\r\n\r\n', refuse()],
    ['scheme', 'GET /x HTTP/1.1\r\nHost: http://good.test\r\n\r\n', refuse()],
    ['port of letters', 'GET /x HTTP/1.1\r\nHost: good.test:abc\r\n\r\n', refuse()],
    ['empty port', 'GET /x HTTP/1.1\r\nHost: good.test:\r\n\r\n', refuse()],
    ['port too large', 'GET /x HTTP/1.1\r\nHost: good.test:65536\r\n\r\n', refuse()],
    ['two ports', 'GET /x HTTP/1.1\r\nHost: good.test:80:81\r\n\r\n', refuse()],
    ['negative port', 'GET /x HTTP/1.1\r\nHost: good.test:-1\r\n\r\n', refuse()],
    [
      'another port',
      'GET /x HTTP/1.1\r\nHost: good.test:8080\r\n\r\n',
      forward(has('host', 'good.test:8080')),
    ],
    ['upper case', 'GET /x HTTP/1.1\r\nHost: GOOD.Test\r\n\r\n', forward(has('host', 'GOOD.Test'))],
    ['trailing dot', 'GET /x HTTP/1.1\r\nHost: good.test.\r\n\r\n', either()],
    ['two trailing dots', 'GET /x HTTP/1.1\r\nHost: good.test..\r\n\r\n', refuse()],
    ['leading dot', 'GET /x HTTP/1.1\r\nHost: .good.test\r\n\r\n', refuse()],
    ['empty', 'GET /x HTTP/1.1\r\nHost: \r\n\r\n', refuse()],
    ['asterisk', 'GET /x HTTP/1.1\r\nHost: *\r\n\r\n', refuse()],
    ['a wildcard itself', 'GET /x HTTP/1.1\r\nHost: *.wild.test\r\n\r\n', refuse()],
    ['under a wildcard', 'GET /x HTTP/1.1\r\nHost: a.b.wild.test\r\n\r\n', forward()],
    ['apex of a wildcard', 'GET /x HTTP/1.1\r\nHost: wild.test\r\n\r\n', refuse(404)],
    ['unknown', 'GET /x HTTP/1.1\r\nHost: other.test\r\n\r\n', refuse(404)],
    ['longer in front', 'GET /x HTTP/1.1\r\nHost: xgood.test\r\n\r\n', refuse(404)],
    ['longer at the end', 'GET /x HTTP/1.1\r\nHost: good.test.evil\r\n\r\n', refuse(404)],
    ['__proto__', 'GET /x HTTP/1.1\r\nHost: __proto__\r\n\r\n', refuse(404)],
    ['constructor', 'GET /x HTTP/1.1\r\nHost: constructor\r\n\r\n', refuse(404)],
    ['an address', 'GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', refuse(404)],
    ['IPv6 literal', 'GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', refuse(404)],
    ['dots for an IPv6 literal', 'GET /x HTTP/1.1\r\nHost: [....]\r\n\r\n', refuse()],
    ['short IPv6 literal', 'GET /x HTTP/1.1\r\nHost: [1:2:3]\r\n\r\n', refuse()],
    ['broken IPv6 literal', 'GET /x HTTP/1.1\r\nHost: [::1\r\n\r\n', refuse()],
    ['label of 64', `GET /x HTTP/1.1\r\nHost: ${long(64)}.test\r\n\r\n`, refuse()],
    ['300 bytes', `GET /x HTTP/1.1\r\nHost: ${`${long(59)}.`.repeat(5)}test\r\n\r\n`, refuse()],
    ['high byte', 'GET /x HTTP/1.1\r\nHost: g\xf6od.test\r\n\r\n', refuse()],
    ['NUL', 'GET /x HTTP/1.1\r\nHost: good.test\0\r\n\r\n', refuse()],
    ['percent', 'GET /x HTTP/1.1\r\nHost: good%2etest\r\n\r\n', refuse()],
    ['obs-fold', 'GET /x HTTP/1.1\r\nHost:\r\n good.test\r\n\r\n', refuse()],
    ['space before the colon', 'GET /x HTTP/1.1\r\nHost : good.test\r\n\r\n', refuse()],
    [
      'absolute-form',
      line('GET http://good.test/y?z HTTP/1.1'),
      forward(both(target('/y?z'), has('host', 'good.test'))),
    ],
    [
      'absolute-form wins over Host',
      'GET http://good.test/y HTTP/1.1\r\nHost: other.test\r\n\r\n',
      forward(both(target('/y'), has('host', 'good.test'))),
    ],
    ['absolute-form without path', line('GET http://good.test HTTP/1.1'), either(target('/'))],
    ['absolute-form with query only', line('GET http://good.test?a HTTP/1.1'), either(target('/?a'))],
    ['absolute-form of another host', line('GET http://internal.test/ HTTP/1.1'), refuse(404)],
    ['absolute-form with userinfo', line('GET http://user@good.test/ HTTP/1.1'), refuse()],
    ['absolute-form without host', line('GET http:///y HTTP/1.1'), refuse()],
    ['absolute-form without Host', 'GET http://good.test/ HTTP/1.1\r\n\r\n', refuse()],
    ['absolute-form with two Hosts', `GET http://good.test/ HTTP/1.1\r\n${host}${host}\r\n`, refuse()],
    ['absolute-form of another scheme', line('GET ftp://good.test/ HTTP/1.1'), refuse()],
  ],
  fields: [
    ['space before the colon', get('X-A : b\r\n'), refuse()],
    ['tab before the colon', get('X-A\t: b\r\n'), refuse()],
    ['obs-fold', get('X-A: b\r\n c\r\n'), refuse()],
    ['obs-fold with tab', get('X-A: b\r\n\tc\r\n'), refuse()],
    ['white space before the first', `GET /x HTTP/1.1\r\n X-A: b\r\n${host}\r\n`, refuse()],
    ['no colon', get('X-A\r\n'), refuse()],
    ['empty name', get(': b\r\n'), refuse()],
    ['colon alone', get(':\r\n'), refuse()],
    ['NUL in a value', get('X-A: b\0c\r\n'), refuse()],
    ['NUL in a name', get('X\0A: b\r\n'), refuse()],
    ['control byte in a value', get('X-A: b\x02c\r\n'), refuse()],
    ['DEL in a value', get('X-A: b\x7fc\r\n'), refuse()],
    ['vertical tab in a value', get('X-A: b\x0bc\r\n'), refuse()],
    ['bare CR in a value', get('X-A: b\rc\r\n'), refuse()],
    ['bare CR before CRLF', get('X-A: b\r\r\n'), refuse()],
    ['bare LF', get('X-A: b\n'), refuse()],
    ['bare LF smuggling a field', get('X-A: b\nX-B: c\r\n'), refuse()],
    ['control byte in a name', get('X\x01A: b\r\n'), refuse()],
    ['high byte in a name', get('X\xc4: b\r\n'), refuse()],
    ['parenthesis in a name', get('X(A): b\r\n'), refuse()],
    ['slash in a name', get('X/A: b\r\n'), refuse()],
    ['end of CR and a letter', `GET /x HTTP/1.1\r\n${host}\rx`, refuse()],
    ['end of LF', `GET /x HTTP/1.1\r\n${host}\n`, refuse()],
    ['value of 15 KB', get(`X-A: ${long(15_000)}\r\n`), forward()],
    ['value of 17 KB', get(`X-A: ${long(17_000)}\r\n`), refuse(431)],
    ['value of 70 KB', get(`X-A: ${long(70_000)}\r\n`), refuse(431)],
    ['99 more fields', get('X-A: b\r\n'.repeat(99)), forward()],
    ['100 more fields', get('X-A: b\r\n'.repeat(100)), refuse(431)],
    ['20,000 fields', get('A: b\r\n'.repeat(20_000)), refuse(431)],
    [
      '2100 fields that hide a Content-Length',
      post(`${'A: b\r\n'.repeat(2100)}Content-Length: 3\r\n`, 'abc', 'GET'),
      refuse(431),
    ],
    [
      '2100 fields that hide a Transfer-Encoding',
      post(`${'A: b\r\n'.repeat(2100)}Transfer-Encoding: chunked\r\n`, '0\r\n\r\n', 'GET'),
      refuse(431),
    ],
    ['empty value', get('X-A:\r\n'), forward(has('x-a', ''))],
    ['white space alone', get('X-A:  \t \r\n'), forward(has('x-a', ''))],
    ['white space around', get('X-A: \t b \t\r\n'), forward(has('x-a', 'b'))],
    ['high byte in a value', get('X-A: \xe4\r\n'), forward(has('x-a', '\xe4'))],
    ['tab in a value', get('X-A: a\tb\r\n'), forward(has('x-a', 'a\tb'))],
    ['two Authorizations', get('Authorization: a\r\nAuthorization: b\r\n'), either()],
    ['__proto__ as a name', get('__proto__: b\r\n'), either()],
    [
      'case and order',
      get('zZ-b: 1\r\nAa: 2\r\nzZ-b: 3\r\n'),
      forward(([message]) => {
        const own = (message?.fields ?? []).filter(([name]) => /^(zZ-b|Aa)$/.test(name))
        return own.map((pair) => pair.join('=')).join() === 'zZ-b=1,Aa=2,zZ-b=3'
      }),
    ],
  ],
  'content-length': [
    ['plain', post('Content-Length: 3\r\n', 'abc'), forward(body('abc'))],
    ['white space around', post('Content-Length:\t 3 \t\r\n', 'abc'), forward(body('abc'))],
    ['no white space', post('CONTENT-length:3\r\n', 'abc'), forward(body('abc'))],
    ['zero', post('Content-Length: 0\r\n', ''), forward(body(''))],
    ['none with POST', post('', ''), forward(body(''))],
    ['twice the same', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'), refuse()],
    ['twice, different', post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'), refuse()],
    ['list of the same', post('Content-Length: 3, 3\r\n', 'abc'), refuse()],
    ['list, different', post('Content-Length: 3, 4\r\n', 'abcd'), refuse()],
    ['plus', post('Content-Length: +3\r\n', 'abc'), refuse()],
    ['minus', post('Content-Length: -3\r\n', 'abc'), refuse()],
    ['minus zero', post('Content-Length: -0\r\n', ''), refuse()],
    ['hexadecimal', post('Content-Length: 0x3\r\n', 'abc'), refuse()],
    ['underscore', post('Content-Length: 1_0\r\n', 'abcdefghij'), refuse()],
    ['float', post('Content-Length: 3.0\r\n', 'abc'), refuse()],
    ['exponent', post('Content-Length: 3e0\r\n', 'abc'), refuse()],
    ['empty', post('Content-Length:\r\n', ''), refuse()],
    ['space inside', post('Content-Length: 1 0\r\n', 'abcdefghij'), refuse()],
    ['suffix', post('Content-Length: 3x\r\n', 'abc'), refuse()],
    ['comma at the end', post('Content-Length: 3,\r\n', 'abc'), refuse()],
    ['comma first', post('Content-Length: ,3\r\n', 'abc'), refuse()],
    ['quoted', post('Content-Length: "3"\r\n', 'abc'), refuse()],
    ['vertical tab', post('Content-Length: \x0b3\r\n', 'abc'), refuse()],
    ['no-break space', post('Content-Length: \xa03\r\n', 'abc'), refuse()],
    ['NUL', post('Content-Length: 3\0\r\n', 'abc'), refuse()],
    ['leading zero', post('Content-Length: 03\r\n', 'abc'), either(body('abc'))],
    ['over 64 bits', post('Content-Length: 18446744073709551619\r\n', 'abc'), refuse()],
    ['over 53 bits', post('Content-Length: 9007199254740993\r\n', 'abc'), refuse()],
    ['with underscore in the name', post('Content_Length: 3\r\n', 'abc'), refuse()],
    ['GET with a body', post('Content-Length: 3\r\n', 'abc', 'GET'), forward(body('abc'))],
    ['HEAD with a body', post('Content-Length: 3\r\n', 'abc', 'HEAD'), forward(body('abc'))],
    ['DELETE with a body', post('Content-Length: 3\r\n', 'abc', 'DELETE'), forward(body('abc'))],
    ['OPTIONS with a body', post('Content-Length: 3\r\n', 'abc', 'OPTIONS'), forward(body('abc'))],
    ['shorter body', post('Content-Length: 30\r\n', 'abc'), incomplete],
    [
      'a body that looks like a request',
      post(`Content-Length: ${get('').length}\r\n`, get('')),
      forward(body(get(''))),
    ],
    [
      'longer body',
      post('Content-Length: 3\r\n', 'abcGET'),
      { kind: 'forward', statuses: [200], check: body('abc') },
    ],
    ['longer body that is no request', post('Content-Length: 3\r\n', 'abc\0\0'), refuseAfter(1, 200, 400)],
  ],
  'transfer-encoding': [
    ['plain', chunked('3\r\nabc\r\n0\r\n\r\n'), forward(both(body('abc'), lacks('content-length')))],
    [
      'white space around',
      post('Transfer-Encoding:\tchunked \t\r\nX-A: b\r\n', '3\r\nabc\r\n0\r\n\r\n'),
      forward(both(body('abc'), has('x-a', 'b'))),
    ],
    [
      'GET',
      chunked('3\r\nabc\r\n0\r\n\r\n', 'GET'),
      forward(both(body('abc'), has('transfer-encoding', 'chunked'))),
    ],
    [
      'DELETE',
      chunked('3\r\nabc\r\n0\r\n\r\n', 'DELETE'),
      forward(both(body('abc'), lacks('content-length'))),
    ],
    [
      'OPTIONS',
      chunked('3\r\nabc\r\n0\r\n\r\n', 'OPTIONS'),
      forward(both(body('abc'), lacks('content-length'))),
    ],
    [
      'with Content-Length after',
      post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', '0\r\n\r\n'),
      refuse(),
    ],
    [
      'with Content-Length before',
      post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
      refuse(),
    ],
    ['identity', post('Transfer-Encoding: identity\r\nContent-Length: 3\r\n', 'abc'), refuse()],
    ['identity alone', post('Transfer-Encoding: identity\r\n', ''), refuse()],
    ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'), refuse()],
    ['gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), refuse(501)],
    ['gzip, other, chunked', post('Transfer-Encoding: gzip ,a-b, chunked\r\n', '0\r\n\r\n'), refuse(501)],
    ['gzip, chunked, chunked', post('Transfer-Encoding: gzip, chunked, chunked\r\n', '0\r\n\r\n'), refuse()],
    ['identity, chunked', post('Transfer-Encoding: identity, chunked\r\n', '0\r\n\r\n'), refuse()],
    ['gzip;q=1, chunked', post('Transfer-Encoding: gzip;q=1, chunked\r\n', '0\r\n\r\n'), refuse()],
    ['chunked, gzip', post('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n'), refuse()],
    ['chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), refuse()],
    ['xchunked', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), refuse()],
    ['quoted', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'), refuse()],
    ['comma first', post('Transfer-Encoding: , chunked\r\n', '0\r\n\r\n'), refuse()],
    ['comma last', post('Transfer-Encoding: chunked,\r\n', '0\r\n\r\n'), refuse()],
    ['parameter', post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'), refuse()],
    ['vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'), refuse()],
    ['form feed', post('Transfer-Encoding: chunked\x0c\r\n', '0\r\n\r\n'), refuse()],
    ['no-break space', post('Transfer-Encoding: chunked\xa0\r\n', '0\r\n\r\n'), refuse()],
    ['NUL', post('Transfer-Encoding: chunked\0\r\n', '0\r\n\r\n'), refuse()],
    ['upper case', post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'), either()],
    ['empty', post('Transfer-Encoding:\r\n', ''), refuse()],
    ['empty with Content-Length', post('Transfer-Encoding:\r\nContent-Length: 3\r\n', 'abc'), refuse()],
    [
      'two lines',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
      refuse(),
    ],
    [
      'two lines, mixed',
      post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
      refuse(),
    ],
    [
      'two lines, gzip last',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n', '0\r\n\r\n'),
      refuse(),
    ],
    ['obs-fold', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'), refuse()],
    ['space before the colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'), refuse()],
    ['tab inside', post('Transfer-Encoding: chun\tked\r\n', '0\r\n\r\n'), refuse()],
    ['HTTP/1.0', `POST /x HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, refuse()],
    ['full stop in the name', post('Transfer.Encoding: chunked\r\n', '0\r\n\r\n'), refuse()],
    ['underscore in the name', post('Transfer_Encoding: chunked\r\n', '0\r\n\r\n'), refuse()],
    [
      'underscore beside Content-Length',
      post('Transfer_Encoding: chunked\r\nContent-Length: 3\r\n', 'abc'),
      refuse(),
    ],
    [
      'nominated by Connection',
      post('Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
      refuse(),
    ],
    [
      'Content-Length nominated by Connection',
      post('Connection: content-length\r\nContent-Length: 3\r\n', 'abc'),
      refuse(),
    ],
    ['TE alone', get('TE: chunked\r\n'), forward(lacks('te'))],
    ['only a prefix', post('Transfer-Encoding: chunke\r\n', '0\r\n\r\n'), refuse()],
  ],
  chunks: [
    ['two', chunked('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'), forward(body('abcde'))],
    ['upper-case size', chunked('A\r\n0123456789\r\n0\r\n\r\n'), forward(body('0123456789'))],
    ['leading zeros', chunked('0003\r\nabc\r\n0\r\n\r\n'), either(body('abc'))],
    ['many zeros', chunked(`${'0'.repeat(40)}3\r\nabc\r\n0\r\n\r\n`), refuse()],
    ['bare LF after the size', chunked('3\nabc\r\n0\r\n\r\n'), refuse()],
    ['bare LF after the data', chunked('3\r\nabc\n0\r\n\r\n'), refuse()],
    ['bare LF at the end', chunked('3\r\nabc\r\n0\r\n\n'), refuse()],
    ['bare LF after the last size', chunked('3\r\nabc\r\n0\n\r\n'), refuse()],
    ['CR and a letter after the size', chunked('3\rxabc\r\n0\r\n\r\n'), refuse()],
    ['two CRs', chunked('3\r\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['extension', chunked('3;a=b\r\nabc\r\n0\r\n\r\n'), either(body('abc'))],
    ['extension with LF', chunked('3;a\nb\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['extension with CR', chunked('3;a\rb\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['extension with quoted LF', chunked('3;a="\n"\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['extension of 70 KB', chunked(`3;a=${long(70_000)}\r\nabc\r\n0\r\n\r\n`), refuse(400, 413)],
    ['space before the extension', chunked('3 ;a=b\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['0x', chunked('0x3\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['plus', chunked('+3\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['minus', chunked('-3\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['underscore', chunked('1_0\r\n0123456789abcdef\r\n0\r\n\r\n'), refuse()],
    ['empty size', chunked('\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['leading space', chunked(' 3\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['trailing space', chunked('3 \r\nabc\r\n0\r\n\r\n'), refuse()],
    ['leading tab', chunked('\t3\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['letters', chunked('g\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['NUL', chunked('3\0\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['over 64 bits', chunked('10000000000000003\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['over 32 bits', chunked('100000003\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['data too long', chunked('3\r\nabcd\r\n0\r\n\r\n'), refuse()],
    ['data too short', chunked('4\r\nabc\r\n0\r\n\r\n'), refuse()],
    ['no CRLF after the data', chunked('3\r\nabc0\r\n\r\n'), refuse()],
    ['never ended', chunked('3\r\nabc\r\n'), incomplete],
    ['end without CRLF', chunked('3\r\nabc\r\n0\r\n'), incomplete],
    ['trailer', chunked('3\r\nabc\r\n0\r\nX-T: v\r\n\r\n'), either(both(body('abc'), lacks('x-t')))],
    ['trailer Content-Length', chunked('0\r\nContent-Length: 3\r\n\r\n'), either(lacks('content-length'))],
    ['trailer Transfer-Encoding', chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'), either()],
    ['trailer Host', chunked('0\r\nHost: other.test\r\n\r\n'), either(has('host', 'good.test'))],
    ['trailer X-Forwarded-For', chunked('0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n'), either(ownClient)],
    ['trailer with bare LF', chunked('0\r\nX-T: v\n\r\n'), refuse()],
    ['trailer without colon', chunked('0\r\nX-T\r\n\r\n'), refuse()],
    ['trailer with obs-fold', chunked('0\r\nX-T: v\r\n w\r\n\r\n'), refuse()],
    ['trailer of 70 KB', chunked(`0\r\nX-T: ${long(70_000)}\r\n\r\n`), refuse(400, 413, 431)],
    ['trailer of a request', chunked('0\r\nGET /y HTTP/1.1\r\n\r\n'), refuse()],
    ['a letter after the end', chunked('3\r\nabc\r\n0\r\n\r\nX'), forward(body('abc'))],
    ['2000 small chunks', chunked(`${'1\r\na\r\n'.repeat(2000)}0\r\n\r\n`), forward(body(long(2000)))],
  ],
  'hop-by-hop': [
    ['X-Forwarded-For', get('X-Forwarded-For: 6.6.6.6\r\n'), forward(ownClient)],
    [
      'X-Forwarded-For twice',
      get('X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\n'),
      forward(ownClient),
    ],
    [
      'X_Forwarded_For',
      get('X_Forwarded_For: 6.6.6.6\r\n'),
      forward(both(ownClient, lacks('x_forwarded_for'))),
    ],
    ['X-Forwarded-Proto', get('X-Forwarded-Proto: https\r\n'), forward(has('x-forwarded-proto', 'http'))],
    [
      'X-Forwarded-Host',
      get('X-Forwarded-Host: evil.test\r\n'),
      forward(has('x-forwarded-host', 'good.test')),
    ],
    ['X-Forwarded-Port', get('X-Forwarded-Port: 1\r\n'), forward(has('x-forwarded-port', '80'))],
    [
      'X-Forwarded-Client-Cert',
      get('X-Forwarded-Client-Cert: evil\r\n'),
      forward(lacks('x-forwarded-client-cert')),
    ],
    [
      'any X-Forwarded-…, however it is spelt',
      get('x_forwarded-By-A-Name-That-Nobody-Has-Thought-Of: evil\r\n'),
      forward(([message]) => !JSON.stringify(message).includes('evil')),
    ],
    [
      // PHP and lighttpd take it for HTTP_X_FORWARDED_….
      'X.Forwarded-… in other spellings that backends cannot tell from it',
      get('X.Forwarded.For: 6.6.6.6\r\nX~Forwarded!Prefix: evil\r\n'),
      forward(([message]) => !/6\.6\.6\.6|evil/.test(JSON.stringify(message))),
    ],
    ['X-Forwarded-Server', get('X-Forwarded-Server: evil\r\n'), forward(lacks('x-forwarded-server'))],
    [
      'Forwarded',
      get('Forwarded: for=6.6.6.6\r\n'),
      forward(has('forwarded', 'for=127.0.0.1;host="good.test";proto=http')),
    ],
    ['X-Real-IP', get('X-Real-IP: 6.6.6.6\r\n'), forward(has('x-real-ip', '127.0.0.1'))],
    [
      'X_Real_IP',
      get('X_Real_IP: 6.6.6.6\r\n'),
      forward(both(has('x-real-ip', '127.0.0.1'), lacks('x_real_ip'))),
    ],
    [
      'X-Request-Id',
      get('X-Request-Id: mine\r\n'),
      forward(([message]) => /^[0-9a-f]{32}$/.test(values(message, 'x-request-id').join())),
    ],
    [
      'nominated field',
      get('Connection: X-A\r\nX-A: b\r\n'),
      forward(both(lacks('x-a'), lacks('connection'))),
    ],
    [
      'nominated among others',
      get('Connection: close, X-A\r\nX-A: b\r\nX-B: c\r\n'),
      forward(both(lacks('x-a'), has('x-b', 'c'))),
    ],
    ['nominated X-Forwarded-For', get('Connection: X-Forwarded-For\r\n'), forward(ownClient)],
    [
      'nominated Forwarded',
      get('Connection: Forwarded, X-Real-IP\r\n'),
      forward(has('x-real-ip', '127.0.0.1')),
    ],
    ['nominated Host', get('Connection: Host\r\n'), refuse()],
    [
      'nominated in two lines',
      get('Connection: X-A\r\nConnection: X-B\r\nX-A: 1\r\nX-B: 2\r\n'),
      forward(both(lacks('x-a'), lacks('x-b'))),
    ],
    ['Keep-Alive', get('Keep-Alive: timeout=5\r\n'), forward(lacks('keep-alive'))],
    ['Proxy-Connection', get('Proxy-Connection: keep-alive\r\n'), forward(lacks('proxy-connection'))],
    [
      'Proxy-Authorization',
      get('Proxy-Authorization: Basic eA==\r\n'),
      forward(lacks('proxy-authorization')),
    ],
    ['TE', get('TE: trailers\r\nConnection: TE\r\n'), forward(lacks('te'))],
    ['Trailer', get('Trailer: X-T\r\n'), forward(lacks('trailer'))],
    ['Proxy (httpoxy)', get('Proxy: http://evil.test\r\n'), forward(lacks('proxy'))],
    ['SCRIPT_NAME (gunicorn)', get('SCRIPT_NAME: /evil\r\n'), forward(lacks('script_name'))],
    ['Upgrade without Connection', get('Upgrade: websocket\r\n'), forward(lacks('upgrade'))],
    [
      'Upgrade to h2c',
      get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
      forward(both(lacks('upgrade'), lacks('http2-settings'))),
    ],
    [
      'Upgrade with a body',
      post('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n', 'abc'),
      forward(both(lacks('upgrade'), body('abc'))),
    ],
    [
      'Upgrade with an empty body',
      get('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n'),
      forward(has('upgrade', 'websocket')),
    ],
    [
      'Upgrade with chunks, even if none',
      chunked('0\r\n\r\n').replace('Transfer', 'Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer'),
      forward(both(lacks('upgrade'), body(''))),
    ],
    [
      'Upgrade of a POST without a body',
      post('Connection: Upgrade\r\nUpgrade: tcp\r\n', ''),
      forward(has('upgrade', 'tcp')),
    ],
    [
      'Upgrade to one of several, but not to h2c',
      get('Connection: Upgrade\r\nUpgrade: websocket,H2C\r\nUpgrade: foo/2\r\n'),
      forward(has('upgrade', 'websocket, foo/2')),
    ],
    [
      'Upgrade to one of several, one malformed',
      get('Connection: Upgrade\r\nUpgrade: websocket, f o\r\n'),
      forward(lacks('upgrade')),
    ],
    [
      'refused upgrade of a POST with a request behind it',
      post('Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n', get('', '/second')),
      forward(
        (messages) => messages.length === 2 && messages[0]?.body === '' && messages[1]?.target === '/second',
      ),
    ],
    [
      'refused upgrade with a request behind it',
      get('Connection: Upgrade\r\nUpgrade: websocket\r\n') + get('', '/second'),
      forward((messages) => messages.length === 2 && messages[1]?.target === '/second'),
    ],
    ['unknown expectation', post('Expect: tea\r\nContent-Length: 3\r\n', 'abc'), refuse(417)],
    ['obfuscated expectation', post('Expect: 100-continue, x\r\nContent-Length: 3\r\n', 'abc'), refuse(417)],
    [
      'two expectations',
      post('Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n', 'abc'),
      refuse(400, 417),
    ],
    [
      'Expect: 100-continue',
      post('Expect: 100-continue\r\nContent-Length: 3\r\n', 'abc'),
      forward(body('abc')),
    ],
  ],
  pipelining: [
    [
      'three',
      get('', '/1') + get('', '/2') + get('', '/3'),
      forward((messages) => messages.map((m) => m.target).join() === '/1,/2,/3'),
    ],
    [
      'across hosts',
      get('', '/1') + 'GET /2 HTTP/1.1\r\nHost: a.wild.test\r\n\r\n',
      forward((messages) => messages.map((m) => m.target).join() === '/1,/2'),
    ],
    [
      'behind a body and an empty line',
      post('Content-Length: 3\r\n', 'abc') + '\r\n' + get('', '/2'),
      forward((messages) => messages.map((m) => m.target).join() === '/x,/2'),
    ],
    [
      'behind a body',
      post('Content-Length: 3\r\n', 'abc') + chunked('2\r\nde\r\n0\r\n\r\n') + get('', '/3'),
      forward((messages) => messages.map((m) => m.body).join() === 'abc,de,'),
    ],
    ['second malformed', get('', '/1') + 'GET /2 HTTP/1.1\r\nHost : good.test\r\n\r\n', refuseAfter(1, 200)],
    [
      'second of an unknown host',
      get('', '/1') + 'GET /2 HTTP/1.1\r\nHost: other.test\r\n\r\n',
      refuseAfter(1, 200),
    ],
    [
      'after Connection: close',
      get('Connection: close\r\n', '/1') + get('', '/2'),
      forward((messages) => messages.length === 1),
    ],
    [
      'after HTTP/1.0',
      `GET /1 HTTP/1.0\r\n${host}\r\n${get('', '/2')}`,
      forward((messages) => messages.length === 1),
    ],
    [
      'after an empty line',
      `${post('Content-Length: 3\r\n', 'abc')}\r\n${get('', '/2')}`,
      { kind: 'either', count: 2, check: undefined },
    ],
    [
      'HTTP/1.0 with keep-alive',
      `GET /1 HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n${get('', '/2')}`,
      forward((messages) => messages.length === 2),
    ],
  ],
}

export const corpus: Case[] = Object.entries(table).flatMap(([category, cases]) =>
  cases.map(([name, bytes, expect]) => ({ category, name, bytes, expect })),
)
