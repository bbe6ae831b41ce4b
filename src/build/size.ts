const mebibyte = 1024 ** 2

/** Memory of Heroku's dyno sizes in MiB (https://devcenter.heroku.com/articles/dyno-types), by their names of now and before. */
const dynos: Readonly<Record<string, number>> = {
  free: 512,
  hobby: 512,
  eco: 512,
  basic: 512,
  'standard-1x': 512,
  'standard-2x': 1024,
  'performance-m': 2560,
  'performance-l': 14 * 1024,
  'performance-l-ram': 30 * 1024,
  'performance-xl': 62 * 1024,
  'performance-2xl': 126 * 1024,
  'private-s': 1024,
  'private-m': 2560,
  'private-l': 14 * 1024,
  'shield-s': 1024,
  'shield-m': 2560,
  'shield-l': 14 * 1024,
}

/** Bytes of memory that a size of app.json means, `512m`, `1g` or a dyno size; undefined for anything else. */
export function sizeBytes(size: string): number | undefined {
  const memory = /^([1-9]\d{0,5})([mg])b?$/i.exec(size)
  if (memory !== null) return Number(memory[1]) * mebibyte * (memory[2]!.toLowerCase() === 'g' ? 1024 : 1)
  const name = size.toLowerCase()
  return Object.hasOwn(dynos, name) ? dynos[name]! * mebibyte : undefined
}
