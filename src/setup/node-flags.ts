/**
 * How Node runs the controller. V8 takes memory for speed that a process which mostly waits has no use for: with
 * these a controller that has started takes some 30 MiB less (docs/performance.md).
 */
export const controllerFlags = ['--max-semi-space-size=2', '--optimize-for-size']
