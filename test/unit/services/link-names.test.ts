import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { colourName } from '../../../src/services/colours.ts'
import { namesFor, partsOf } from '../../../src/services/link.ts'
import { s3 } from '../../../src/services/s3/s3.ts'

describe('the config vars of a link', () => {
  test('are the usual ones while they are free', () => {
    expect(namesFor({ variables: ['MYSQL_URL', 'DATABASE_URL'] }, undefined, () => false)).toEqual([
      'MYSQL_URL',
      'DATABASE_URL',
    ])
  })

  test('a taken one becomes a colour, and a further one is left out', () => {
    expect(namesFor({ variables: ['DATABASE_URL'] }, undefined, (name) => name === 'DATABASE_URL')).toEqual([
      'AMBER_URL',
    ])
    expect(
      namesFor({ variables: ['MYSQL_URL', 'DATABASE_URL'] }, undefined, (name) => name === 'DATABASE_URL'),
    ).toEqual(['MYSQL_URL'])
  })

  test('parts of the address are set together, and not at all where one is taken or the address has a colour', () => {
    const bucket = { variables: ['S3_URL'] as [string], parts: { KEY: () => '', SECRET: () => '' } }
    const names = (...taken: string[]): string[] =>
      namesFor(bucket, undefined, (name) => taken.includes(name))
    expect(names()).toEqual(['S3_URL', 'KEY', 'SECRET'])
    expect(names('SECRET')).toEqual(['S3_URL'])
    expect(names('S3_URL')).toEqual(['AMBER_URL'])
    expect(namesFor(bucket, 'MEDIA', () => false)).toEqual(['MEDIA_URL'])
  })

  test('parts are read from the address; what is no address has none', () => {
    const access = { user: 'files', password: 'secret', database: 'my_files', admin: '' }
    const url = s3.url(access, { host: 'files-ab12c', port: 9000 })
    expect(partsOf(s3, url)).toEqual({
      AWS_ACCESS_KEY_ID: 'files',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_ENDPOINT_URL_S3: 'http://files-ab12c:9000',
      AWS_REGION: 'us-east-1',
      BUCKET_NAME: 'my-files',
    })
    expect(partsOf(s3, 'nothing of the kind')).toEqual({})
  })

  test('--as is a prefix, or the whole name where it ends in _URL', () => {
    expect(namesFor({ variables: ['DATABASE_URL'] }, 'REPORTS', () => false)).toEqual(['REPORTS_URL'])
    expect(namesFor({ variables: ['DATABASE_URL'] }, 'REPORTS_URL', () => false)).toEqual(['REPORTS_URL'])
    expect(() => namesFor({ variables: ['DATABASE_URL'] }, 'REPORTS', () => true)).toThrow('already')
    expect(() => namesFor({ variables: ['DATABASE_URL'] }, '1 2', () => false)).toThrow('--as')
  })

  test('whatever is taken, nothing that is taken is chosen', () => {
    fc.assert(
      fc.property(fc.nat(100), (count) => {
        const taken = new Set<string>()
        for (let i = 0; i < count; i++) {
          const name = colourName((other) => taken.has(other))
          expect(taken.has(name)).toBe(false)
          taken.add(name)
        }
      }),
    )
  })
})
