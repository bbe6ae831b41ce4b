import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { execCommand } from '../../../src/lib/exec-command.ts'

test.each([
  ['node server.js', 'exec node server.js'],
  ['  node server.js ', '  exec node server.js '],
  ['PORT=80 A="b c" node .', 'PORT=80 A="b c" exec node .'],
  ['cd app && node .', 'cd app && exec node .'],
  ['a; b\nc -d', 'a; b\nexec c -d'],
  ['gunicorn "a;b" --bind 0.0.0.0:$PORT 2>&1', 'exec gunicorn "a;b" --bind 0.0.0.0:$PORT 2>&1'],
  ['java $JAVA_OPTS -jar *.jar', 'exec java $JAVA_OPTS -jar *.jar'],
  ['bin/web --x=\\; y', 'exec bin/web --x=\\; y'],
  ['test -f x && ./y', 'test -f x && exec ./y'],
])('%j ends in a program', (line, expected) => {
  expect(execCommand(line)).toBe(expected)
})

test.each([
  'a | b',
  'a || b',
  'a & b',
  'a & wait',
  '(a; b)',
  '{ a; b; }',
  'if a; then b; fi',
  'while true; do a; done',
  'exec node .',
  'node . # serve',
  'echo `a`',
  'a $(b)',
  'export A=b',
  'A=b',
  'cat <<X',
  'echo "open',
  'a;',
  '',
  '! a',
  'kill -9 $$',
  '[ -f x ]',
])('%j stays as it is', (line) => {
  expect(execCommand(line)).toBe(line)
})

test('the shell still does the same', () => {
  const word = fc.constantFrom(
    'echo a',
    'printf b',
    'true',
    'X=1 sh -c "echo $X"',
    "echo 'c;d'",
    'echo e\\;f',
    'cd /',
  )
  const line = fc.tuple(
    word,
    fc.array(fc.tuple(fc.constantFrom(' && ', '; ', ' || ', '\n', ' | '), word), { maxLength: 3 }),
  )
  const run = (command: string): string => execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' })
  fc.assert(
    fc.property(line, ([first, rest]) => {
      const command = first + rest.map(([operator, next]) => operator + next).join('')
      expect(run(execCommand(command))).toBe(run(command))
    }),
    { numRuns: 60 },
  )
})
