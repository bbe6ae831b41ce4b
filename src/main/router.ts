/**
 * The entry of the router's master and its workers, which a signal may reach before they listen to it: at SIGHUP Node
 * ends then, and at SIGUSR1 it opens a debugger.
 */
const early = new Set<NodeJS.Signals>()
const note = (signal: NodeJS.Signals): void => void early.add(signal)
const signals = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
for (const signal of signals) process.on(signal, note)

const { runRouter } = await import('../router/run.ts')
await runRouter()
for (const signal of signals) process.off(signal, note)
for (const signal of early) process.emit(signal)
