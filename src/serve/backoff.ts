/** A process that stayed up this long counts as healthy again. */
const healthyAfterMs = 60_000
const firstDelayMs = 1000
const longestDelayMs = 30_000

/** When to start a process again that ended by itself: 1 s, doubling to 30 s while it keeps ending early. Pure. */
export function nextDelay(previousMs: number | undefined, upForMs: number): number {
  if (previousMs === undefined || upForMs >= healthyAfterMs) return firstDelayMs
  return Math.min(previousMs * 2, longestDelayMs)
}
