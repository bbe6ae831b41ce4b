/** Four buckets per doubling from 1/16 ms on: a quantile is at most 19 % off. */
const perDoubling = 4
const firstMs = 1 / 16
const size = 22 * perDoubling + 2

export type Histogram = number[]

export function emptyHistogram(): Histogram {
  return new Array<number>(size).fill(0)
}

/** The bucket of a duration. */
export function bucketOf(ms: number): number {
  const index = ms <= firstMs ? 0 : 1 + Math.floor(Math.log2(ms / firstMs) * perDoubling)
  return index < size ? index : size - 1
}

export function observe(histogram: Histogram, bucket: number): void {
  histogram[bucket] = (histogram[bucket] ?? 0) + 1
}

export function addHistogram(into: Histogram, from: readonly number[]): void {
  for (let i = 0; i < size; i += 1) into[i] = (into[i] ?? 0) + (from[i] ?? 0)
}

/** The upper bound, in ms, of the bucket in which the quantile lies; undefined when nothing was observed. */
export function quantile(histogram: readonly number[], q: number): number | undefined {
  let total = 0
  for (const count of histogram) total += count
  if (total === 0) return undefined
  let left = Math.ceil(total * q)
  for (let i = 0; i < size; i += 1) {
    left -= histogram[i] ?? 0
    if (left <= 0) return upperMs(i)
  }
  return upperMs(size - 1)
}

/** The upper bound of a bucket in ms. */
export function upperMs(index: number): number {
  return firstMs * 2 ** (index / perDoubling)
}
