/** Four buckets per doubling from 1/16 ms on: a quantile is at most 19 % off. */
const perDoubling = 4
const firstMs = 1 / 16
const maxDoublings = 22
/** How many buckets there are. */
export const size = maxDoublings * perDoubling + 2

/** How many durations are in each bucket, up to the last that anything is in: there may be as many as routes. */
export type Histogram = number[]

const steps = [1, 2, 3].map((n) => 2 ** (n / perDoubling)) as [number, number, number]

/** The bucket of a duration: `1 + floor(log2(ms / firstMs) * perDoubling)`, without asking for a logarithm. */
export function bucketOf(ms: number): number {
  if (ms <= firstMs) return 0
  const times = ms / firstMs
  if (times >= 2 ** maxDoublings) return size - 1
  const doublings = 31 - Math.clz32(times)
  const rest = times / (1 << doublings)
  let step = 0
  if (rest >= steps[1]) step = rest >= steps[2] ? 3 : 2
  else if (rest >= steps[0]) step = 1
  return 1 + doublings * perDoubling + step
}

export function observe(histogram: Histogram, bucket: number): void {
  while (histogram.length <= bucket) histogram.push(0)
  histogram[bucket] = (histogram[bucket] ?? 0) + 1
}

export function addHistogram(into: Histogram, from: readonly number[]): void {
  for (let i = 0; i < from.length; i += 1) into[i] = (into[i] ?? 0) + (from[i] ?? 0)
}

/** The upper bound, in ms, of the bucket in which the quantile lies; undefined when nothing was observed. */
export function quantile(histogram: readonly number[], q: number): number | undefined {
  let total = 0
  for (const count of histogram) total += count
  if (total === 0) return undefined
  let left = Math.ceil(total * q)
  for (let i = 0; i < histogram.length; i += 1) {
    left -= histogram[i] ?? 0
    if (left <= 0) return upperMs(i)
  }
  return upperMs(size - 1)
}

/** The upper bound of a bucket in ms. */
export function upperMs(index: number): number {
  return firstMs * 2 ** (index / perDoubling)
}
