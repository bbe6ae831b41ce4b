import { randomBytes, randomInt } from 'node:crypto'

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

/** `prefix` and 15 random characters of [0-9a-z]: 77 bits. */
export function randomId(prefix: string): string {
  let id = prefix
  for (let i = 0; i < 15; i++) id += alphabet[randomInt(36)]!
  return id
}

/** `bytes` random bytes as hex. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

const adjectives =
  'amber ancient autumn bold brave bright calm clear cool crisp dawn deep early fair fast fresh gentle golden grand green happy hidden icy jolly kind late light lively lucky mellow misty noble pale patient plain polished proud quick quiet rapid round shiny silent silver small smooth snowy spring steady still summer sunny swift tall tidy warm wild winter wise'.split(
    ' ',
  )
const nouns =
  'bird bloom breeze brook bush canyon cedar cliff cloud coast comet coral creek dawn delta dew dune eagle ember falcon feather fern field finch fjord forest frost garden glacier glade grove harbor haven heron hill island lagoon lake leaf maple marsh meadow moon mountain oak ocean otter pebble pine pond prairie rain reef ridge river sea shore sky snow sparrow spruce star stone stream summit sun surf thunder tide trail tree valley violet water wave willow wind wood'.split(
    ' ',
  )

/** A name that can be said aloud: `brave-river-4821`. */
export function pronounceableName(): string {
  return `${adjectives[randomInt(adjectives.length)]!}-${nouns[randomInt(nouns.length)]!}-${randomInt(1000, 10_000)}`
}
